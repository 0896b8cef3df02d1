"""Vectors of parts of words, as fastText has them, so that a word which was never seen has a vector too.

Source: Bojanowski, Grave, Joulin, Mikolov, "Enriching Word Vectors with Subword Information", 2017, section 3.2; the
hash, and which n-grams count, are those of fastText (Dictionary::computeSubwords): letters, not bytes, make an n-gram,
the word stands between < and >, and neither of these two alone is an n-gram.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from lingon.kernels import aot_compile
from lingon.kernels.aot_compile import call_loop, load_loop

CHUNK = 1 << 15  # words whose n-grams are held at a time


@dataclass(frozen=True)
class Subwords:
    """The vectors of hashed n-grams of `shortest` to `longest` letters: float32 [buckets, D]."""

    table: np.ndarray
    shortest: int
    longest: int

    def rows(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The buckets of each word, one word after the other, and where those of word i begin: starts[i : i + 2]."""
        return subword_rows(words, self.shortest, self.longest, len(self.table))

    def vector(self, word: str) -> np.ndarray | None:
        """Return the mean of the parts of a word, [D]; None when it has none."""
        rows, _ = self.rows([word])
        if not len(rows):
            return None
        # Row after row, and times the inverse, as fastText does it: the same bits.
        return np.add.reduce(self.table[rows], axis=0, dtype=np.float32) * np.float32(1 / len(rows))


def subword_rows(words: Sequence[str], shortest: int, longest: int, buckets: int) -> tuple[np.ndarray, np.ndarray]:
    """int64 rows [N] in [0, buckets) of the n-grams of all words, and starts [words + 1].

    >>> rows, starts = subword_rows(["where"], 3, 3, 1 << 32)
    >>> len(rows), starts.tolist()
    (5, [0, 5])
    """
    if buckets < 1:
        raise ValueError(f"{buckets} buckets for the n-grams of words; expected 1 or more")
    hash_ngrams, _ = _loops()
    encoded = [f"<{word}>".encode("utf-8", "surrogateescape") for word in words]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    data = np.frombuffer(b"".join(encoded), np.uint8)
    if longest < 1 or not len(data):
        return np.zeros(0, np.int64), np.zeros(len(words) + 1, np.int64)
    starts = np.zeros(len(words) + 1, np.int64)
    nothing = np.zeros(0, np.int64)
    total = hash_ngrams(data, ends, max(1, shortest), longest, buckets, starts, nothing)
    rows = np.empty(total, np.int64)
    hash_ngrams(data, ends, max(1, shortest), longest, buckets, starts, rows)
    return rows, starts


def means_of_words(words: Sequence[str], own: np.ndarray, subwords: Subwords, alone: str = "</s>") -> np.ndarray:
    """Return the vector of each known word: the mean of its own row and of those of its parts, [V, D].

    own: a row per word. alone: the word that has no parts (the end of a line in fastText).
    """
    _, add_means = _loops()
    found = np.empty((len(words), own.shape[1]), np.float32)
    for begin in range(0, len(words), CHUNK):
        some = words[begin : begin + CHUNK]
        rows, starts = subwords.rows(some)
        end = begin + len(some)
        table = np.ascontiguousarray(subwords.table, np.float32)  # most are; a copy of a large one would be dear
        add_means(np.ascontiguousarray(own[begin:end], np.float32), table, rows, starts, found[begin:end])
    for place in (i for i, word in enumerate(words) if word == alone):
        found[place] = own[place]
    return found


@cache
def _loops() -> tuple[Callable, Callable]:
    """hash_ngrams and add_means of `subword_loops`: from libraries, else compiled here."""
    program, source = f"{__package__}.subword_loops", Path(__file__).with_name("subword_loops.py")
    sources = [source, Path(aot_compile.__file__).with_name("jit.py")]
    hashes, means = (load_loop(program, which, sources) for which in (0, 1))
    if hashes is None or means is None:
        from lingon.word_vectors.files import subword_loops

        return subword_loops.hash_ngrams, subword_loops.add_means

    def hash_ngrams(data, ends, shortest, longest, buckets, starts, rows):
        arrays = [data, ends, starts, rows]
        return int(call_loop(hashes, arrays, [*map(len, arrays), shortest, longest, buckets], [0.0])[0])

    def add_means(own, table, rows, starts, out):
        arrays = [own, table, rows, starts, out]
        call_loop(means, arrays, [*map(len, arrays), own.shape[1]], [])

    return hash_ngrams, add_means
