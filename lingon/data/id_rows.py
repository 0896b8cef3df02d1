"""The token ids of texts: a row for each text, as a list or, where there are many, as an array."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

IdRow = list[int] | np.ndarray  # the ids of a text, [T]; an array is int32
IdRows = Sequence[Sequence[int] | np.ndarray]  # of several texts, as batches are made of them


def as_list(row: IdRow) -> list[int]:
    """Return a row as a list."""
    return row if isinstance(row, list) else row.tolist()


def concatenated(rows: Sequence[IdRow]) -> IdRow:
    """Return rows one after the other, as one; a list if all of them are lists.

    >>> concatenated([[3, 5], [7]])
    [3, 5, 7]
    """
    if any(isinstance(row, np.ndarray) for row in rows):
        return np.concatenate([np.asarray(row, np.int32) for row in rows])
    return [*chain.from_iterable(rows)]


def occurrences(number: int, row: IdRow) -> int:
    """Return how often an id occurs in a row."""
    return row.count(number) if isinstance(row, list) else int((row == number).sum())
