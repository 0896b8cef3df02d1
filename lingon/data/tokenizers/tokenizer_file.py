"""Reads a tokenizer.json and checks that it is complete and valid."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import tokenizers

from lingon.core.errors import DataError
from lingon.core.files import read_json
from lingon.data.tokenizers.growth_check import check_growth
from lingon.data.tokenizers.panic_guard import call_guarded
from lingon.data.tokenizers.text_check import abbreviate

if TYPE_CHECKING:
    from lingon.data.tokenizers.tokenizer import Tokenizer

Make = Callable[[tokenizers.Tokenizer, Path], "Tokenizer"]  # (library, path) -> tokenizer


def read_tokenizer_file(path: Path, make: Make) -> "Tokenizer":
    """Read a `tokenizer.json`. Raises DataError naming the file if it is incomplete or invalid."""
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("model"), dict):
        raise DataError(f"{path}: not a tokenizer.json (it has no 'model')")
    check_growth(path, content)
    tokenizer = call_guarded(path, "not a valid tokenizer.json", _sound, json.dumps(content), path, make)
    ids = tokenizer.library.get_vocab(with_added_tokens=True)
    if not ids or sorted(ids.values()) != list(range(len(ids))):
        raise DataError(f"{path}: the ids of its {len(ids):,} tokens are not 0, 1, 2, ... without gaps")
    return tokenizer


def _sound(content: str, path: Path, make: Make) -> "Tokenizer":
    try:
        tokenizer = make(tokenizers.Tokenizer.from_str(content), path)
        tokenizer.library.encode("a b")
    except TypeError as error:
        raise DataError(f"{path}: not a valid tokenizer.json ({abbreviate(error)})") from None
    return tokenizer
