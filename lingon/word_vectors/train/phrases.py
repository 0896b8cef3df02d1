"""Words that stand together far more often than by chance, joined: new york becomes new_york."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise

from lingon.core.errors import UserError
from lingon.data.files.text_stream import group_by_size
from lingon.data.word_id_file import FAR_TOO_MANY, LETTERS, Split


def find_phrases(
    lines: Iterable[str], split: Split, min_count: int = 5, threshold: float = 10.0
) -> set[tuple[str, str]]:
    """Return the pairs a b with (n(ab) - min_count) N / (n(a) n(b)) > threshold; N is the number of different words.

    Source: Mikolov and others, "Distributed Representations of Words and Phrases", 2013, equation 6; times the number
    of words as in gensim, so that the threshold does not depend on the text's size. Memory stays bounded: beyond 20
    million different pairs the rarest are forgotten.
    """
    if threshold <= 0:
        raise UserError(f"the threshold of phrases is {threshold}; expected more than 0")
    words: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    least = 1
    for batch in group_by_size(lines, LETTERS):
        for row in split(batch):
            words.update(row)
            pairs.update(pairwise(row))
        while len(pairs) > FAR_TOO_MANY:
            least += 1
            pairs = Counter({pair: n for pair, n in pairs.items() if n >= least})
    size = len(words)
    return {
        (a, b)
        for (a, b), n in pairs.items()
        if n >= min_count and (n - min_count) * size / (words[a] * words[b]) > threshold
    }


def join_phrases(split: Split, phrases: set[tuple[str, str]]) -> Split:
    """Return a split whose phrases are one word each, from left to right; a word is in one phrase at most."""
    return lambda lines: [list(_joined(row, phrases)) for row in split(lines)]


def _joined(row: list[str], phrases: set[tuple[str, str]]) -> Iterator[str]:
    at = 0
    while at < len(row):
        if at + 1 < len(row) and (row[at], row[at + 1]) in phrases:
            yield f"{row[at]}_{row[at + 1]}"
            at += 2
        else:
            yield row[at]
            at += 1
