"""The keys of a published generation_config.json that configure decoding; tasks interpret their values."""

import json
from collections.abc import Mapping
from typing import Any

COUNTS = ("num_beams", "max_length", "max_new_tokens", "min_length", "no_repeat_ngram_size", "forced_eos_token_id")
NUMBERS = ("length_penalty", "repetition_penalty")
KEYS = (*COUNTS, *NUMBERS, "early_stopping", "renormalize_logits", "bad_words_ids", "eos_token_id")
SAMPLING = ("do_sample", "temperature", "top_k", "top_p", "min_p", "typical_p")
# Keys that would change the generated text and have no counterpart here, with their neutral values.
PASSED_OVER: dict[str, Any] = {
    "encoder_no_repeat_ngram_size": 0,
    "num_beam_groups": 1,
}
PASSED_OVER |= {"min_new_tokens": 0, "begin_suppress_tokens": None, "sequence_bias": None, "guidance_scale": 1.0}
PASSED_OVER |= {"encoder_repetition_penalty": 1.0, "exponential_decay_length_penalty": None, "stop_strings": None}
PASSED_OVER |= {"num_return_sequences": 1, "diversity_penalty": 0.0, "penalty_alpha": None, "forced_decoder_ids": None}
PASSED_OVER |= {"force_words_ids": None, "constraints": None, "watermarking_config": None, "dola_layers": None}
# Neutral values of the other keys, for language models, whose parameters are only those given by the user.
NEUTRAL: dict[str, Any] = {"num_beams": 1, "length_penalty": 1.0, "early_stopping": False, "min_length": 0}
NEUTRAL |= {"no_repeat_ngram_size": 0, "repetition_penalty": 1.0, "renormalize_logits": False, "temperature": 1.0}
NEUTRAL |= {"top_k": 0, "top_p": 1.0, "min_p": 0, "typical_p": 1.0, "bad_words_ids": [], "suppress_tokens": []}
NEUTRAL |= {"forced_bos_token_id": None, "forced_eos_token_id": None, **PASSED_OVER}


def settings_in(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings in a generation_config.json, or an older config.json, that configure translation.

    The number of beams is always included, by default 1, as in `generate`.

    >>> settings_in({"vocab_size": 7, "max_length": 200, "early_stopping": None})
    {'num_beams': 1, 'max_length': 200}
    """
    return {"num_beams": 1, **{key: config[key] for key in KEYS if config.get(key) is not None}}


def passed_over(config: Mapping[str, Any]) -> list[str]:
    """Return the keys that would change the output of `generate` but are ignored here."""
    return [key for key, nothing in PASSED_OVER.items() if config.get(key) not in (None, nothing)]


def sampling_in(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings by which `generate` would sample; none if it would not.

    >>> sampling_in({"do_sample": True, "top_k": 50}), sampling_in({"do_sample": False, "top_k": 50})
    ({'do_sample': True, 'top_k': 50}, {})
    """
    keys = SAMPLING if config.get("do_sample") is True else ()
    return {key: config[key] for key in keys if config.get(key) is not None}


def asked_of_language_models(config: Mapping[str, Any]) -> str:
    """Return, as text, the settings that would change the output of `generate`; of sampling only if it samples.

    >>> asked_of_language_models({"do_sample": True, "top_p": 0.8, "top_k": 0, "repetition_penalty": 1.05})
    'repetition_penalty 1.05, top_p 0.8'
    """
    passed = () if config.get("do_sample") is True else SAMPLING
    found = {key: config.get(key) for key in NEUTRAL if key not in passed}
    asked = {key: value for key, value in found.items() if value not in (None, NEUTRAL[key])}
    return ", ".join(f"{key} {json.dumps(value)[:40]}" for key, value in asked.items())
