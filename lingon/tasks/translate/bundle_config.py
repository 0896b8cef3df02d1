"""The configuration of a translator in a bundle, looked at before it is believed."""

from collections.abc import Mapping
from typing import Any

from lingon.core.config_keys import want
from lingon.core.errors import DataError
from lingon.tasks.translate.generation_config import params_of

IDS = ("prefix_ids", "suppressed_ids")


def check_config(config: Mapping[str, Any]) -> None:
    """Raise DataError unless the keys are lists of ids, and settings of translation that can be."""
    for key in IDS:
        ids = want(config, key, list, "a list of ids")
        if not all(type(i) is int and i >= 0 for i in ids):
            raise DataError(f"key {key!r} is {str(ids)[:40]!r}, expected a list of ids, 0 or more")
    if config.get("generation") is not None:  # older bundles have none
        params_of(want(config, "generation", dict, "settings of translation by name"))


def check_ids(config: Mapping[str, Any], parts: Mapping[str, Any]) -> None:
    """Raise DataError for a tokenizer with more tokens than the model has, and for an id that no target token has."""
    size, sizes = len(parts["target"].vocab), parts["model"].config()
    for side, key in (("source", "source_vocab_size"), ("target", "decoder_vocab_size")):
        rows, tokens = sizes.get(key) or sizes.get("vocab_size"), len(parts[side].vocab)
        if type(rows) is int and tokens > rows:
            raise DataError(f"the tokenizer of the {side} has {tokens:,} tokens, the model was made for {rows:,}")
    params = params_of(config.get("generation") or {})
    given = {key: config[key] for key in IDS}
    given |= {"forced_eos_token_id": [] if params.forced_eos is None else [params.forced_eos]}
    given |= {"eos_token_id": (config.get("generation") or {}).get("eos_token_id", [])}
    given |= {"bad_words_ids": [i for phrase in params.bad_phrases for i in phrase]}
    for key, ids in given.items():
        if beyond := [i for i in ids if i >= size]:
            raise DataError(f"key {key!r} has {beyond[0]}, expected ids from 0 to {size - 1:,}, which targets have")
