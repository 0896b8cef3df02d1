"""What every reader of word vectors gives back: words, their table, and the parts of words where a file has them."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lingon.word_vectors.files.subwords import Subwords


@dataclass(frozen=True)
class Loaded:
    """words: V different ones. table: float32 [V, D], maybe a map of a file. subwords: vectors of parts of words."""

    words: Sequence[str]
    table: np.ndarray
    subwords: Subwords | None = None


class JoinedWords(Sequence[str]):
    """Words of one text, one a line, divided when the first of them is asked for: 400,000 take a while."""

    def __init__(self, text: str, count: int):
        self.text, self._words = text, count

    @cached_property
    def _list(self) -> list[str]:
        return self.text.split("\n") if self._words else []

    def __len__(self) -> int:
        return self._words

    def __getitem__(self, i):
        return self._list[i]

    def __iter__(self) -> Iterator[str]:
        return iter(self._list)


def without_repeats(path, words: list[str], table: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Return the first vector of each word; a warning says how many words came again."""
    if len(set(words)) == len(words):
        return words, table
    first: dict[str, int] = {}
    for i, word in enumerate(words):
        first.setdefault(word, i)
    twice = len(words) - len(first)
    warnings.warn(f"{path}: {twice:,} tokens occur twice; the first vector of each is kept", stacklevel=4)
    return list(first), table[list(first.values())]
