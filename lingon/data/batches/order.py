"""Orders: which rows of a data set go together in a batch. Here those of rows that all have one shape."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lingon.core.errors import UserError
from lingon.core.seed import derive
from lingon.core.shapes import Int

BatchRows = Callable[[int], Int[np.ndarray, " B"]]  # number of a batch -> the rows of it


class Order(Protocol):
    """Order of the rows in the batches of an epoch: decided by its own sizes and seed, and by the epoch, alone.

    Where a training stands, and which rows a process takes, is the loader's. `repr` tells sizes and seed: a run is
    not resumed with others. `len` is the number of batches in every epoch.
    """

    @property
    def count(self) -> int:
        """Return the rows that there are to choose from."""

    @property
    def lanes(self) -> int:
        """Return the rows that every batch has, which processes must be able to share evenly; 0: any number of rows."""

    @property
    def continues(self) -> bool:
        """Return whether row i of a batch continues where row i of the batch before ended."""

    def __len__(self) -> int: ...

    def batch_rows(self, epoch: int) -> BatchRows:
        """Return the rows of every batch of an epoch."""


@dataclass(frozen=True)
class _EqualBatches:
    """`batch_size` of `count` rows a batch; the last of an epoch may have fewer."""

    count: int
    batch_size: int
    lanes = 0
    continues = False

    def __post_init__(self):
        check_positive(rows=self.count, batch_size=self.batch_size)

    def __len__(self) -> int:
        return -(-self.count // self.batch_size)


@dataclass(frozen=True)
class Shuffled(_EqualBatches):
    """`batch_size` of `count` rows a batch (the last of an epoch may have fewer), in a new order every epoch."""

    seed: int = 0

    def batch_rows(self, epoch: int) -> BatchRows:
        """Return the batches of a permutation by seed and epoch."""
        random = numpy_generator(self.seed, "batches", epoch)
        return _cut(random.permutation(self.count), self.batch_size)


@dataclass(frozen=True)
class SequentialOrder(_EqualBatches):
    """`batch_size` of `count` rows a batch (the last of an epoch may have fewer), in the order of the data."""

    def batch_rows(self, epoch: int) -> BatchRows:
        """Return the same batches in every epoch."""
        return _cut(np.arange(self.count), self.batch_size)


def _cut(rows: np.ndarray, size: int) -> BatchRows:
    return lambda number: rows[number * size : (number + 1) * size]


def numpy_generator(seed: int, *names: object) -> np.random.Generator:
    """Return a random generator of its own for a seed and names, the same on every machine."""
    return np.random.Generator(np.random.PCG64(derive(seed, *names)))


def check_positive(**sizes: int | None) -> None:
    """Raise UserError for the first size that is less than 1."""
    for name, value in sizes.items():
        if value is not None and value < 1:
            raise UserError(f"{name} is {value}, it must be 1 or more")
