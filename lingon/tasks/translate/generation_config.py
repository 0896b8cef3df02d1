"""The default decoding settings of a published model: the keys of its generation_config.json, as parameters."""

from collections.abc import Mapping
from typing import Any

from lingon.core.errors import DataError, UserError
from lingon.decoding.beam_params import eager_stopping, exact_stopping, heuristic_stopping
from lingon.decoding.generation_settings import COUNTS, KEYS
from lingon.tasks.translate.params import TranslationParams

# What `early_stopping` may be, as transformers has it, and when a search then ends.
STOPS = {False: heuristic_stopping, True: eager_stopping, "never": exact_stopping}


def params_of(settings: Mapping[str, Any]) -> TranslationParams:
    """Return the parameters that the keys of a generation_config.json mean; without any, our own.

    What is not among the keys is as `generate` of transformers has it, but for the length: where neither `max_length`
    nor `max_new_tokens` is given, that would be 20 tokens, and texts were cut off. Raises DataError naming a key.
    """
    if not settings:
        return TranslationParams()
    for key in settings:
        if key not in KEYS:
            raise DataError(f"key {key!r} is not a translation setting; known: {', '.join(KEYS)}")
    counts = {key: _count(settings, key) for key in COUNTS}
    stop = settings.get("early_stopping", False)
    if not isinstance(stop, bool) and stop != "never":
        raise DataError(f"key 'early_stopping' is {str(stop)[:40]!r}, expected true, false or \"never\"")
    strength, penalty = (_number(settings, key) for key in ("length_penalty", "repetition_penalty"))
    renormalize = settings.get("renormalize_logits", False)
    if type(renormalize) is not bool:
        raise DataError(f"key 'renormalize_logits' is {str(renormalize)[:40]!r}, expected true or false")
    phrases = _phrases(settings.get("bad_words_ids", []))
    ends = settings.get("eos_token_id", [0])
    if not isinstance(ends, list) or not ends or not all(type(i) is int and i >= 0 for i in ends):
        raise DataError(f"key 'eos_token_id' is {str(ends)[:40]!r}, expected a list of ids")
    try:
        return TranslationParams(
            beams=1 if counts["num_beams"] is None else counts["num_beams"],
            length_penalty=strength,
            early_stopping=STOPS[stop],
            # There the token that is forced first is a new one, here it is a part of what a translation begins with.
            max_length=counts["max_length"] if counts["max_new_tokens"] is None else counts["max_new_tokens"] + 1,
            min_length=counts["min_length"] or 0,
            no_repeat_ngram_size=counts["no_repeat_ngram_size"] or 0,
            repetition_penalty=penalty,
            bad_phrases=phrases,
            forced_eos=counts["forced_eos_token_id"],
            renormalize=renormalize,
            length_offset=0,
        )
    except UserError as error:
        raise DataError(f"settings of translation: {error}") from None


def _number(settings: Mapping[str, Any], key: str) -> float | int:
    value: Any = settings.get(key, 1.0)
    if type(value) not in (int, float):
        raise DataError(f"key {key!r} is {str(value)[:40]!r}, expected a number")
    return value


def _phrases(words: Any) -> tuple[tuple[int, ...], ...]:
    lists = isinstance(words, list) and all(isinstance(word, list) and word for word in words)
    if not lists or not all(type(i) is int and i >= 0 for word in words for i in word):
        raise DataError(f"key 'bad_words_ids' is {str(words)[:40]!r}, expected a list of lists of ids")
    return tuple(map(tuple, words))


def _count(settings: Mapping[str, Any], key: str) -> int | None:
    value = settings.get(key)
    value = value[0] if key == "forced_eos_token_id" and isinstance(value, list) and len(value) == 1 else value
    if value is not None and (type(value) is not int or value < 0):
        raise DataError(f"key {key!r} is {str(value)[:40]!r}, expected a whole number, 0 or more")
    return value
