"""The loader: a source of batches for all tasks, whose position can be saved and resumed at any batch."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.core.shapes import Tensor
from lingon.data.batches.batch import Batch
from lingon.data.batches.columns import Column, OfEpoch, Values
from lingon.data.batches.order import BatchRows, Order, check_positive


class Loader:
    """Batches of the columns of a data set, in an order: `Loader({"inputs": x, "targets": y}, Shuffled(len(x), 50))`.

    columns: by name; an array, a tensor or a list of numbers becomes a column `Values` with that name. These names are
    used in messages; the names of tensors in a batch are given by the columns.
    epoch, position: the current epoch, and the number of its batches that have been yielded.

    With `world` processes, process `rank` gets rows rank, rank + world, ... of every batch; all have the same number of
    steps. If a mean loss is multiplied by `weight` before gradients are averaged over the processes, the average is
    that of the whole batch, also when its rows do not divide evenly.

    Raises UserError when the numbers of rows of the columns differ or the processes cannot share the rows.
    """

    def __init__(
        self,
        columns: Mapping[str, Column | Tensor | np.ndarray | Sequence[float]],
        order: Order,
        rank: int = 0,
        world: int = 1,
    ):
        self.columns: dict[str, Column] = {name: _column(name, given) for name, given in columns.items()}
        self.order, self.rank, self.world = order, rank, world
        self.epoch, self.position, self.weight = 0, 0, 1.0
        self._rows: tuple[int, BatchRows] | None = None
        self._check()

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return len(self.order)

    def __iter__(self) -> Iterator[Batch]:
        """Yield the remaining batches of this epoch, after which the next epoch begins.

        `position` already counts the batch being processed: a state saved after its step resumes with the next one.
        """
        while self.position < len(self):
            self.position += 1
            yield self._batch(self.position - 1)
        self.set_epoch(self.epoch + 1)

    def set_epoch(self, epoch: int) -> None:
        """Go to the start of an epoch; do nothing if it has already begun, as after resuming."""
        if epoch != self.epoch:
            self.epoch, self.position = epoch, 0

    @property
    def padding(self) -> float:
        """Return the fraction of the positions of this epoch's batches that are padding."""
        tokens = total = 0
        for lengths in [found for c in self.columns.values() if (found := c.lengths()) is not None]:
            batches = [lengths[self._batch_rows()(i)] for i in range(len(self))]
            total += sum(len(found) * max(1, int(found.max())) for found in batches)
            tokens += sum(int(found.sum()) for found in batches)
        return 1 - tokens / total if total else 0.0

    def state_dict(self) -> dict[str, Any]:
        """Return the position of the loader, as plain numbers, with checksums of its columns and its order."""
        return {"epoch": self.epoch, "position": self.position, **self._made_of()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was called, perhaps with another number of processes.

        Raises UserError if columns or order differ from those of the state.
        """
        made_of = self._made_of()
        sums = state.get("columns")
        numbers = [state.get(key) for key in ("epoch", "position", "order")]
        if set(state) != {"epoch", "position", *made_of} or not all(type(n) is int for n in numbers):
            raise UserError(f"not a state of batches: {str(state)[:80]}")
        if not isinstance(sums, dict) or set(sums) != set(self.columns):
            raise UserError(f"not a state of batches of {', '.join(self.columns)}: {str(state)[:80]}")
        for name, checksum in made_of["columns"].items():
            if sums[name] != checksum:
                raise UserError(f"the {name} of these batches differ from those of the saved run")
        if state["order"] != made_of["order"]:
            raise UserError(f"the saved run had another order, seed or size of batches than {self.order!r}")
        if not (0 <= state["position"] <= len(self) and state["epoch"] >= 0):
            raise UserError(
                f"position is {state['position']}, epoch is {state['epoch']}; there are {len(self)} batches"
            )
        self.epoch, self.position = state["epoch"], state["position"]

    def _made_of(self) -> dict[str, Any]:
        sums = {name: column.checksum() for name, column in self.columns.items()}
        return {"columns": sums, "order": zlib.crc32(repr(self.order).encode())}

    def _batch_rows(self) -> BatchRows:
        if self._rows is None or self._rows[0] != self.epoch:
            self._rows = self.epoch, self.order.batch_rows(self.epoch)
        return self._rows[1]

    def _batch(self, number: int) -> Batch:
        whole = self._batch_rows()(number)
        mine = whole[self.rank :: self.world]
        self.weight = len(mine) * self.world / len(whole)
        # A process without a row gets the first one with weight 0, so that all make the same number of steps.
        mine = mine if len(mine) else whole[:1]
        tensors: dict[str, Tensor] = {}
        for column in self.columns.values():
            if isinstance(column, OfEpoch):
                column.set_epoch(self.epoch)
            tensors |= column.collate(mine)
        return Batch(tensors, torch.from_numpy(mine), self.order.continues and number > 0)

    def _check(self) -> None:
        check_positive(world=self.world)
        if not 0 <= self.rank < self.world:
            raise UserError(f"rank is {self.rank}, it must be one of 0 to {self.world - 1}")
        if not self.columns:
            raise UserError("a loader needs at least one column")
        for name, column in self.columns.items():
            if len(column) != self.order.count:
                raise UserError(
                    f"there are {len(column):,} {name}, but the order is one of {counted(self.order.count, 'row')}"
                )
        if self.order.lanes % self.world:
            raise UserError(f"{self.order.lanes} rows cannot be shared by {self.world} processes; choose a multiple")


def _column(name: str, given: Any) -> Column:
    return given if hasattr(given, "collate") else Values(name, given)
