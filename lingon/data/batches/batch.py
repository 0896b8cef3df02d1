"""A batch: named tensors with one row for each example."""

from collections.abc import ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView

import numpy as np
import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Int, Tensor


class Batch(Mapping[str, Tensor]):
    """Named tensors of B rows each: `batch.ids` or `batch["ids"]`; `len(batch)` is B.

    Usual names: ids [B, T], token ids padded on the right; mask [B, T], False where a position is padding;
    labels [B], class numbers. A missing name raises AttributeError or KeyError.
    index: the position of each row in the data set [B], on the CPU, with which outputs of batches in any order can be
    restored to the order of the data; by default 0, 1, 2, ...
    continues: whether row i continues where row i of the previous batch ended, as in running text in contiguous order.
    """

    __slots__ = ("_tensors", "continues", "index")

    def __init__(self, tensors: Mapping[str, Tensor], index: Int[Tensor, " B"] | None = None, continues: bool = False):
        rows = {name: len(tensor) for name, tensor in tensors.items()}
        if index is not None:
            rows["index"] = len(index)
        if len(set(rows.values())) != 1:
            raise UserError(
                f"the tensors of a batch must have the same number of rows, these have {rows or 'no tensor'}"
            )
        self._tensors = dict(tensors)
        self.index = torch.arange(next(iter(rows.values()))) if index is None else index
        self.continues = continues

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[name]

    def __getattr__(self, name: str) -> Tensor:
        if name == "_tensors":  # while a batch is being unpickled
            raise AttributeError(name)
        if name not in self._tensors:
            raise AttributeError(f"the batch has no {name!r}; it has {', '.join(self._tensors)}")
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        """Return the number of rows, not of tensors."""
        return len(self.index)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {[*tensor.shape]}" for name, tensor in self.items())
        return f"Batch of {len(self)}: {shapes}"

    # Mapping's own methods would take the number of rows for the number of names.
    def keys(self) -> KeysView[str]:
        return self._tensors.keys()

    def values(self) -> ValuesView[Tensor]:
        return self._tensors.values()

    def items(self) -> ItemsView[str, Tensor]:
        return self._tensors.items()

    def to(self, device: torch.device | str) -> "Batch":
        """Return the same batch with its tensors on another device; the index stays on the CPU."""
        moved = {name: tensor.to(device, non_blocking=True) for name, tensor in self.items()}
        return Batch(moved, self.index, self.continues)


def collate(
    rows: Sequence[Sequence[int]],
    labels: Sequence[int] | None = None,
    index: Sequence[int] | None = None,
    pad: int = 0,
) -> Batch:
    """Return a batch of texts, given as token ids of any lengths, with padded ids, mask, and labels if given.

    An empty text is a row of padding; T is at least 1.

    >>> collate([[5, 6, 7], [8]]).mask.tolist()
    [[True, True, True], [True, False, False]]
    """
    if not len(rows):
        raise UserError("a batch needs at least one row")
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    values = np.concatenate([np.asarray(row, np.int64) for row in rows])
    tensors = padded(values, lengths, pad)
    if labels is not None:
        tensors["labels"] = torch.from_numpy(np.asarray(labels, np.int64))
    return Batch(tensors, None if index is None else torch.from_numpy(np.asarray(index, np.int64)))


def padded(values: np.ndarray, lengths: np.ndarray, pad: int) -> dict[str, Tensor]:
    """Return the padded ids and mask of rows that are concatenated in `values`, with `lengths` [B]."""
    longest = max(1, int(lengths.max()))
    mask = np.arange(longest) < lengths[:, None]
    ids = np.full(mask.shape, pad, np.int64)
    ids[mask] = values
    return {"ids": torch.from_numpy(ids), "mask": torch.from_numpy(mask)}
