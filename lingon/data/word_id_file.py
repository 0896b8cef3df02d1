"""Converts text of any size to a file of word ids, in two passes: one counts the words, one writes their ids.

The file holds int32 ids, indices into the vocabulary, and END after each line. Words rarer than `min_count` are not in
it, so their neighbours are adjacent, as in word2vec.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError
from lingon.core.files import atomic_write
from lingon.core.progress import track
from lingon.data.files.text_stream import group_by_size

END = -1
LETTERS = 1 << 20  # processed at once; as lists of words they take some ten times as many bytes
FAR_TOO_MANY = 20_000_000  # distinct words while counting; beyond this, the rarest are dropped


class Words(NamedTuple):
    """A vocabulary in the order of frequency."""

    tokens: list[str]
    counts: np.ndarray  # int64 [V]

    @property
    def total(self) -> int:
        return int(self.counts.sum())


Split = Callable[[list[str]], list[list[str]]]


def between_spaces(lines: list[str]) -> list[list[str]]:
    """Return the words of lines, split at white space, unchanged."""
    return [line.split() for line in lines]


def lower_case_words(lines: list[str]) -> list[list[str]]:
    """Return the words of lines as split by the tokenizer `words`, in lower case, without punctuation marks."""
    from tokenizers import Tokenizer, models

    from lingon.data.tokenizers.ascii_words import set_word_splitting, split_words

    library = Tokenizer(models.WordLevel({}, unk_token=""))
    set_word_splitting(library, lowercase=True)

    def cut(line: str) -> list[str]:
        if line.isascii():
            return split_words(line, lowercase=True)
        line = line.encode(errors="replace").decode()  # no library accepts half a surrogate pair
        return [word for word, _ in library.pre_tokenizer.pre_tokenize_str(library.normalizer.normalize_str(line))]

    return [[word for word in cut(line) if any(map(str.isalnum, word))] for line in lines]


def count_words(lines: Iterable[str], split: Split, min_count: int = 5, most: int | None = None) -> Words:
    """Count the words of all lines; keep those that occur at least `min_count` times, the `most` frequent of them.

    Equally frequent words are in the order of their code points. Raises DataError if none is left.
    """
    if min_count < 1 or (most is not None and most < 1):
        raise UserError(f"min_count is {min_count} and vocab is {most}; both must be 1 or more")
    counts: Counter[str] = Counter()
    least = 1
    with track(0, "counting words", "words") as bar:
        for batch in group_by_size(lines, LETTERS):
            for words in split(batch):
                counts.update(words)
                bar.advance(len(words))
            while len(counts) > FAR_TOO_MANY:  # as word2vec: bounds memory, at some loss in counts of rare words
                least += 1
                counts = Counter({word: n for word, n in counts.items() if n >= least})
    kept = sorted((word for word, n in counts.items() if n >= min_count), key=lambda word: (-counts[word], word))[:most]
    if not counts:
        raise DataError("the text holds no words; expected lines with words in them")
    if not kept:
        raise DataError(f"of {counted(len(counts), 'different word')} none occurs {min_count} times; lower --min-count")
    return Words(kept, np.array([counts[word] for word in kept], np.int64))


def write_ids(path: Path, lines: Iterable[str], split: Split, words: Words) -> int:
    """Write the ids of all lines to a file, which appears once it is complete; return their number."""
    ids, written = {word: i for i, word in enumerate(words.tokens)}, 0
    with atomic_write(path, "wb") as file, track(words.total, "writing word numbers", "words") as bar:
        for batch in group_by_size(lines, LETTERS):
            flat: list[int] = []
            for row in split(batch):
                flat += [i for i in map(ids.get, row) if i is not None]
                flat.append(END)
            np.array(flat, np.int32).tofile(file)
            written += len(flat)
            bar.advance(len(flat) - len(batch))
    return written


def read_ids(path: Path, start: int, count: int) -> np.ndarray:
    """Return ids from the file, from index `start` on: int32 [count], or fewer at its end."""
    return np.fromfile(path, np.int32, count, offset=4 * start)
