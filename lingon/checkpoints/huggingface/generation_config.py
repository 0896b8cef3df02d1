"""Reads the generation settings of a published checkpoint: generation_config.json, or keys of an older config.json."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lingon.core.errors import DataError
from lingon.core.files import read_json
from lingon.data.tokenizers.text_check import abbreviate

LIMIT = 4 << 20  # bytes


@dataclass(frozen=True)
class GenerationConfig:
    """Generation settings of an encoder-decoder.

    start_id: before the first token; None by default. forced_bos: the forced first token, at most one id. suppressed:
    ids that are never generated. keys: all keys of generation settings, with `eos_token_id` as a list, and only the
    `bad_words_ids` of several tokens.
    """

    start_id: int | None
    forced_bos: tuple[int, ...]
    suppressed: tuple[int, ...]
    keys: Mapping[str, Any]


def read_generation_config(folder: Path, config: Mapping[str, Any], vocab_size: int) -> GenerationConfig:
    """Read the settings of a checkpoint. Raises DataError naming the folder and the key that is wrong.

    vocab_size: of targets. The keys of config.json are used if there is no generation_config.json.
    """
    path = folder / "generation_config.json"
    more = read_json(path, limit=LIMIT) if path.is_file() else {}
    if not isinstance(more, dict):
        raise DataError(f"{path}: expected an object")
    found = {key: value for key, value in (more if path.is_file() else config).items() if value is not None}

    def ids(key: str, value: Any) -> tuple[int, ...]:
        if value is None:
            return ()
        value = value if isinstance(value, list) else [value]
        if not all(type(i) is int and 0 <= i < vocab_size for i in value):
            raise DataError(f"{folder}: key {key!r} is {abbreviate(value)}, expected ids from 0 to {vocab_size - 1:,}")
        return tuple(value)

    words = found.get("bad_words_ids") or []
    if not isinstance(words, list) or not all(isinstance(word, list) for word in words):
        raise DataError(f"{folder}: key 'bad_words_ids' is {abbreviate(words)}, expected a list of lists of ids")
    single = [word[0] for word in words if len(word) == 1]
    found["bad_words_ids"] = [list(ids("bad_words_ids", word)) for word in words if len(word) > 1] or None
    start = ids("decoder_start_token_id", found.get("decoder_start_token_id", config.get("decoder_start_token_id")))
    found["eos_token_id"] = list(ids("eos_token_id", found.get("eos_token_id"))) or None
    forced = ids("forced_bos_token_id", found.get("forced_bos_token_id"))
    suppressed = ids("suppress_tokens", found.get("suppress_tokens"))
    never = tuple(dict.fromkeys([*ids("bad_words_ids", single), *suppressed]))
    return GenerationConfig(start[0] if start else None, forced[:1], never, found)
