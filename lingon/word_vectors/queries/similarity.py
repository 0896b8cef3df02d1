"""How alike two words are, and which of several does not belong."""

from collections.abc import Sequence

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError
from lingon.word_vectors.queries.nearest import unit_rows
from lingon.word_vectors.word_vectors import WordVectors


def similarity(vectors: WordVectors, first: str, second: str) -> float:
    """Return the cosine of two words, -1 to 1; 0 when one is all zeros. Raises DataError for NaN and infinity."""
    one, two = _units(vectors, [first, second])
    return float(one @ two)


def odd_one_out(vectors: WordVectors, words: Sequence[str]) -> list[tuple[str, float]]:
    """Return the words with their mean cosine to the others, the odd one first; equal ones in the order given.

    Raises UserError for fewer than three words, DataError for NaN and infinity.
    """
    if len(words) < 3:
        raise UserError(f"{counted(len(words), 'word')}; the odd one out needs three or more")
    unit = _units(vectors, words)
    means = (unit @ unit.T - np.diag((unit * unit).sum(1))).sum(1) / (len(words) - 1)
    return [(words[i], float(means[i])) for i in np.argsort(means, kind="stable")]


def _units(vectors: WordVectors, words: Sequence[str]) -> np.ndarray:
    table = vectors.of(words)
    for word, vector in zip(words, table, strict=True):
        if not np.isfinite(vector).all():
            raise DataError(f"the vector of {word!r} holds NaN, infinite or immense numbers")
    return unit_rows(table).astype(np.float64)
