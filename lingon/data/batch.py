"""A batch: rows of token ids padded to one length, and a mask that says which are real."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Int, Tensor


class Batch(NamedTuple):
    """Texts as tensors.

    ids: token ids, padded with 0 on the right. real: False where a position is padding.
    labels: class numbers, or None. index: the place of each row in the data set, so that
    outputs of batches in any order can be put back in order.

    An empty text is a row without any real position; T is at least 1.
    """

    ids: Int[Tensor, "B T"]
    real: Bool[Tensor, "B T"]
    labels: Int[Tensor, " B"] | None
    index: Int[Tensor, " B"]

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on another device."""
        return Batch(*(None if part is None else part.to(device, non_blocking=True) for part in self))


def collate(
    rows: Sequence[Sequence[int]],
    labels: Sequence[int] | None = None,
    index: Sequence[int] | None = None,
    pad: int = 0,
) -> Batch:
    """Rows of ids, of any lengths, as one batch. `index` is 0, 1, 2, ... when it is not given.

    >>> collate([[5, 6, 7], [8]]).real.tolist()
    [[True, True, True], [True, False, False]]
    """
    if not len(rows):
        raise UserError("a batch needs at least one row")
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    values = np.concatenate([np.asarray(row, np.int64) for row in rows])
    places = np.arange(len(rows)) if index is None else np.asarray(index, np.int64)
    return padded(values, lengths, None if labels is None else np.asarray(labels, np.int64), places, pad)


def padded(values: np.ndarray, lengths: np.ndarray, labels: np.ndarray | None, index: np.ndarray, pad: int) -> Batch:
    """The batch of rows that lie one after the other in `values`; `lengths` [B] says where each ends."""
    longest = max(1, int(lengths.max()))
    real = np.arange(longest) < lengths[:, None]
    ids = np.full(real.shape, pad, np.int64)
    ids[real] = values
    return Batch(
        torch.from_numpy(ids),
        torch.from_numpy(real),
        None if labels is None else torch.from_numpy(labels),
        torch.from_numpy(index),
    )
