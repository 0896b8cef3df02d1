"""Batches of rows that all have one shape, such as pictures or points: no padding, the order by the seed alone."""

import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from lingon.core.errors import UserError
from lingon.core.seed import derive
from lingon.core.shapes import Int, Tensor


class ArrayBatch(NamedTuple):
    """Rows of inputs and targets, and the place of each in the whole."""

    inputs: Tensor
    targets: Tensor
    index: Int[Tensor, " B"]

    def to(self, device: torch.device | str) -> "ArrayBatch":
        """The same batch on another device."""
        return ArrayBatch(*(part.to(device, non_blocking=True) for part in self))


class ArrayBatches:
    """Batches of `rows` rows (the last of an epoch may have fewer), in a new order every epoch, as `engine.fit` wants.

    inputs, targets: tensors or NumPy arrays with equally many rows; they are not copied. Raises UserError when there
    are no rows, or not as many of one as of the other.
    """

    def __init__(self, inputs, targets, *, rows: int, seed: int = 0, shuffle: bool = True):
        self.inputs, self.targets = torch.as_tensor(inputs), torch.as_tensor(targets)
        if not len(self.inputs) or len(self.inputs) != len(self.targets):
            raise UserError(f"there are {len(self.inputs):,} rows of inputs and {len(self.targets):,} of targets")
        if rows < 1:
            raise UserError(f"rows is {rows}, it must be 1 or more")
        self.rows, self.seed, self.shuffle = rows, seed, shuffle
        self.epoch, self.position = 0, 0

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.inputs) // self.rows)

    def __iter__(self) -> Iterator[ArrayBatch]:
        """The batches of this epoch that are still to come. At its end the next epoch begins."""
        order = torch.from_numpy(self._order())
        while self.position < len(self):
            self.position += 1  # counted while it is used: a state saved after the step resumes with the next
            rows = order[(self.position - 1) * self.rows : self.position * self.rows]
            yield ArrayBatch(self.inputs[rows], self.targets[rows], rows)
        self.set_epoch(self.epoch + 1)

    def set_epoch(self, epoch: int) -> None:
        """Goes to the start of an epoch; does nothing when that epoch has already begun, as after a resume."""
        if epoch != self.epoch:
            self.epoch, self.position = epoch, 0

    def state_dict(self) -> dict[str, int]:
        """Where the batches stand, as plain numbers, with a checksum of what they are made of."""
        return {"epoch": self.epoch, "position": self.position, "made_of": self._made_of()}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Goes on where `state_dict` was taken. Raises UserError when the rows, the seed or the sizes are others."""
        if set(state) != {"epoch", "position", "made_of"} or not all(type(n) is int for n in state.values()):
            raise UserError(f"not a state of batches: {str(state)[:80]}")
        if state["made_of"] != self._made_of():
            raise UserError("these batches are of other rows, seed or sizes than those of the saved run")
        if not (0 <= state["position"] <= len(self) and state["epoch"] >= 0):
            raise UserError(
                f"position is {state['position']}, epoch is {state['epoch']}; there are {len(self)} batches"
            )
        self.epoch, self.position = state["epoch"], state["position"]

    def _order(self) -> np.ndarray:
        if not self.shuffle:
            return np.arange(len(self.inputs))
        random = np.random.Generator(np.random.PCG64(derive(self.seed, "batches", self.epoch)))
        return random.permutation(len(self.inputs))

    def _made_of(self) -> int:
        total = zlib.crc32(repr([self.rows, self.seed, self.shuffle]).encode())
        for part in (self.inputs, self.targets):
            total = zlib.crc32(part.contiguous().cpu().flatten().view(torch.uint8).numpy(), total)
        return total
