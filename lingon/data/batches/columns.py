"""Columns: fields of a data set, whose rows are collated into tensors."""

import zlib
from collections.abc import Sequence
from itertools import chain
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Int, Tensor
from lingon.data.batches.batch import padded
from lingon.data.id_rows import IdRows

LARGEST_ID = 2**31 - 1


@runtime_checkable
class Column(Protocol):
    """A field of a data set, such as texts, labels or images. `len` is the number of its rows.

    A column whose rows change in each epoch also has `set_epoch(epoch)`, which the loader calls.
    """

    def __len__(self) -> int: ...

    def lengths(self) -> Int[np.ndarray, " N"] | None:
        """Return the length of each row, which counts in a token budget; None if all rows have the same shape."""

    def collate(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Return the tensors of the rows with these numbers [B], by their names in a batch."""

    def checksum(self) -> int:
        """Return a checksum of the data, so that a run is not resumed with other data."""


@runtime_checkable
class OfEpoch(Protocol):
    """A column whose rows change in each epoch."""

    def set_epoch(self, epoch: int) -> None:
        """Switch to the rows of this epoch."""


class TokenIds:
    """Texts as token ids of any lengths: `ids` and `mask` [B, T], padded on the right with `pad`.

    max_length: longer texts are truncated. prefix: of the names, such as "target_" for target_ids and target_mask.
    Raises UserError for ids that are negative or too large.
    """

    def __init__(self, ids: IdRows, max_length: int | None = None, pad: int = 0, prefix: str = ""):
        if max_length is not None and max_length < 1:
            raise UserError(f"max_length is {max_length}, it must be 1 or more")
        self.pad, self.prefix = pad, prefix
        self._flat, self._lengths = _flatten(ids, max_length)
        self._starts = np.concatenate([[0], np.cumsum(self._lengths)])

    def __len__(self) -> int:
        return len(self._lengths)

    def lengths(self) -> Int[np.ndarray, " N"]:
        """Return the number of tokens of each text."""
        return self._lengths

    def row(self, number: int) -> list[int]:
        """Return the ids of one text."""
        return self._flat[self._starts[number] : self._starts[number + 1]].tolist()

    def collate(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Return the ids and mask of these texts."""
        values = np.concatenate([self._flat[self._starts[i] : self._starts[i + 1]] for i in rows])
        return {self.prefix + name: tensor for name, tensor in padded(values, self._lengths[rows], self.pad).items()}

    def checksum(self) -> int:
        """Return the checksum of all token ids and lengths."""
        return zlib.crc32(self._lengths.data, zlib.crc32(self._flat.data))


class Padded:
    """Rows of integers of any lengths, such as token types, as the tensor `name` [B, T], padded with 0.

    They accompany texts of the same lengths, which count in the token budget.
    """

    def __init__(self, name: str, rows: Sequence[Sequence[int]]):
        self.name, self._texts = name, TokenIds(rows)

    def __len__(self) -> int:
        return len(self._texts)

    def lengths(self) -> None:
        """Return None: the texts that they accompany have the lengths."""

    def collate(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Return these rows."""
        return {self.name: self._texts.collate(rows)["ids"]}

    def checksum(self) -> int:
        """Return the checksum of all numbers and lengths."""
        return self._texts.checksum()


class Values:
    """Rows of the same shape, such as labels, points or images, as the tensor `name` [B, ...].

    values: a tensor, an array or a list with one row for each example; it is not copied.
    """

    def __init__(self, name: str, values: Tensor | np.ndarray | Sequence[float]):
        self.name, self.values = name, torch.as_tensor(values)

    def __len__(self) -> int:
        return len(self.values)

    def lengths(self) -> None:
        """Return None: all rows have the same shape."""

    def collate(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Return these rows."""
        return {self.name: self.values[torch.from_numpy(rows)]}

    def checksum(self) -> int:
        """Return the checksum of all numbers."""
        return zlib.crc32(self.values.detach().contiguous().cpu().flatten().view(torch.uint8).numpy().data)


def _flatten(ids: IdRows, max_length: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return all ids in one int32 array, and the length of each text; lists would take ten times the memory."""
    lengths = np.fromiter((min(len(row), max_length or len(row)) for row in ids), np.int64, len(ids))
    kept = ids if max_length is None else [row[:max_length] for row in ids]
    if any(isinstance(row, np.ndarray) for row in kept):
        flat = np.concatenate([np.asarray(row, np.int64) for row in kept])
    else:
        flat = np.fromiter(chain.from_iterable(kept), np.int64, int(lengths.sum()))
    if len(flat) and (flat.min() < 0 or flat.max() > LARGEST_ID):
        raise UserError(f"token ids run from {flat.min()} to {flat.max()}; they must be 0 to {LARGEST_ID}")
    return flat.astype(np.int32), lengths
