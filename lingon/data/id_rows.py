"""Rows of token ids, one for each text: lists, or arrays where that is faster."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

IdRow = list[int] | np.ndarray  # the ids of a text, [T]; an array is int32
IdRows = Sequence[Sequence[int] | np.ndarray]  # the ids of several texts, from which batches are made


def as_list(row: IdRow) -> list[int]:
    """Return a row as a list."""
    return row if isinstance(row, list) else row.tolist()


def concatenated(rows: Sequence[IdRow]) -> IdRow:
    """Return the concatenation of rows: a list if all of them are lists, else an array.

    >>> concatenated([[3, 5], [7]])
    [3, 5, 7]
    """
    if any(isinstance(row, np.ndarray) for row in rows):
        return np.concatenate([np.asarray(row, np.int32) for row in rows])
    return [*chain.from_iterable(rows)]


def occurrences(number: int, row: IdRow) -> int:
    """Return the number of occurrences of an id in a row."""
    return row.count(number) if isinstance(row, list) else int((row == number).sum())
