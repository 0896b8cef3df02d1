"""Reads tokens that were added to a vocabulary later, which older folders of transformers store in separate files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken

from lingon.core.errors import DataError
from lingon.core.files import read_json

ALONE = "added_tokens.json"
WITH_SETTINGS = "tokenizer_config.json"  # since version 4.34, under the key added_tokens_decoder
FLAGS = ("lstrip", "rstrip", "single_word", "normalized", "special")


def add_tokens_of(folder: Path, library: tokenizers.Tokenizer) -> None:
    """Append the added tokens of a folder to the vocabulary, each with the id in the folder.

    Raises DataError naming the file for a token whose id is not the next one.
    """
    for path, i, token in _tokens(folder):
        known = library.token_to_id(token.content)
        (library.add_special_tokens if token.special else library.add_tokens)([token])
        if library.token_to_id(token.content) != i:
            expected = library.get_vocab_size() - 1 if known is None else known
            raise DataError(f"{path}: the token {token.content!r} has the id {i}; expected {expected}")


def _tokens(folder: Path) -> list[tuple[Path, int, AddedToken]]:
    """Return the tokens in the order of their ids, and the file of each."""
    path = folder / WITH_SETTINGS
    by_id = _object(path).get("added_tokens_decoder")
    if by_id is None:
        path = folder / ALONE
    try:
        pairs = by_id.items() if by_id is not None else [(i, {"content": t}) for t, i in _object(path).items()]
        found = [(path, int(i), _token(row)) for i, row in pairs]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise DataError(f"{path}: tokens that were added have each an id and a text, and here one has not") from None
    return sorted(found, key=lambda each: each[1])


def _token(row: Mapping[str, Any]) -> AddedToken:
    return AddedToken(row["content"], **{flag: row[flag] for flag in FLAGS if flag in row})


def _object(path: Path) -> dict[str, Any]:
    found = read_json(path) if path.is_file() else {}
    if not isinstance(found, dict):
        raise DataError(f"{path}: expected an object")
    return found
