"""Text of any size as a file of word numbers, made in two passes: one counts the words, one writes their numbers.

The file holds int32 numbers, a word's place in the vocabulary, and END after each line. Words that are rarer than
`min_count` are not in it, so their neighbours stand next to each other, as in word2vec.
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
LETTERS = 1 << 20  # handled in one go; as lists of words they take some ten times as many bytes
FAR_TOO_MANY = 20_000_000  # different words while counting; beyond, the rarest are forgotten


class Words(NamedTuple):
    """A vocabulary in the order of frequency."""

    tokens: list[str]
    counts: np.ndarray  # int64 [V]

    @property
    def total(self) -> int:
        return int(self.counts.sum())


Split = Callable[[list[str]], list[list[str]]]


def between_spaces(lines: list[str]) -> list[list[str]]:
    """The words of lines in which they stand between spaces, as they are."""
    return [line.split() for line in lines]


def lower_case_words(lines: list[str]) -> list[list[str]]:
    """The words of lines as the tokenizer `words` cuts them, in lower case, without punctuation marks."""
    from tokenizers import Tokenizer, models

    from lingon.data.tokenizers.ascii_words import set_word_splitting, split_words

    library = Tokenizer(models.WordLevel({}, unk_token=""))
    set_word_splitting(library, lowercase=True)

    def cut(line: str) -> list[str]:
        if line.isascii():
            return split_words(line, lowercase=True)
        line = line.encode(errors="replace").decode()  # half a surrogate pair has no place in any library
        return [word for word, _ in library.pre_tokenizer.pre_tokenize_str(library.normalizer.normalize_str(line))]

    return [[word for word in cut(line) if any(map(str.isalnum, word))] for line in lines]


def count_words(lines: Iterable[str], split: Split, min_count: int = 5, most: int | None = None) -> Words:
    """Counts the words of all lines; keeps those that occur `min_count` times, of them the `most` frequent.

    Equally frequent words are in the order of their code points. Raises DataError when none is left.
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
            while len(counts) > FAR_TOO_MANY:  # word2vec's way: memory stays bounded, the rare words lose a little
                least += 1
                counts = Counter({word: n for word, n in counts.items() if n >= least})
    kept = sorted((word for word, n in counts.items() if n >= min_count), key=lambda word: (-counts[word], word))[:most]
    if not counts:
        raise DataError("the text holds no words; expected lines with words in them")
    if not kept:
        raise DataError(f"of {counted(len(counts), 'different word')} none occurs {min_count} times; lower --min-count")
    return Words(kept, np.array([counts[word] for word in kept], np.int64))


def write_ids(path: Path, lines: Iterable[str], split: Split, words: Words) -> int:
    """Writes the numbers of all lines to a file that appears when it is whole; returns how many they are."""
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
    """Some numbers of the file, from place `start` on: int32 [count], or fewer at its end."""
    return np.fromfile(path, np.int32, count, offset=4 * start)
