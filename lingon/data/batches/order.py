"""Orders: which rows of a data set make up each batch. Here those for rows of the same shape."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lingon.core.errors import UserError
from lingon.core.seed import derive
from lingon.core.shapes import Int

BatchRows = Callable[[int], Int[np.ndarray, " B"]]  # number of a batch -> its rows


class Order(Protocol):
    """The order of rows in the batches of an epoch, determined only by its parameters, its seed and the epoch.

    The position in an epoch, and the division among processes, are the loader's. `repr` contains sizes and seed: a run
    is not resumed with others. `len` is the number of batches in every epoch.
    """

    @property
    def count(self) -> int:
        """Return the number of rows to choose from."""

    @property
    def lanes(self) -> int:
        """Return the fixed number of rows of every batch, which processes must divide evenly; 0: any number of rows."""

    @property
    def continues(self) -> bool:
        """Return whether row i of a batch continues where row i of the previous batch ended."""

    def __len__(self) -> int: ...

    def batch_rows(self, epoch: int) -> BatchRows:
        """Return the rows of every batch of an epoch."""


@dataclass(frozen=True)
class _EqualBatches:
    """Batches of `batch_size` of `count` rows; the last of an epoch may have fewer."""

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
    """Batches of `batch_size` of `count` rows (the last may have fewer), in a new order every epoch."""

    seed: int = 0

    def batch_rows(self, epoch: int) -> BatchRows:
        """Return the batches of a permutation by seed and epoch."""
        random = numpy_generator(self.seed, "batches", epoch)
        return _cut(random.permutation(self.count), self.batch_size)


@dataclass(frozen=True)
class SequentialOrder(_EqualBatches):
    """Batches of `batch_size` of `count` rows (the last may have fewer), in the order of the data."""

    def batch_rows(self, epoch: int) -> BatchRows:
        """Return the same batches in every epoch."""
        return _cut(np.arange(self.count), self.batch_size)


def _cut(rows: np.ndarray, size: int) -> BatchRows:
    return lambda number: rows[number * size : (number + 1) * size]


def numpy_generator(seed: int, *names: object) -> np.random.Generator:
    """Return a random generator derived from a seed and names, the same on every machine."""
    return np.random.Generator(np.random.PCG64(derive(seed, *names)))


def check_positive(**sizes: int | None) -> None:
    """Raise UserError for the first size that is less than 1."""
    for name, value in sizes.items():
        if value is not None and value < 1:
            raise UserError(f"{name} is {value}, it must be 1 or more")
