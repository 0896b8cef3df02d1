"""Noise as a column: random numbers for each row and epoch, so that a loss with noise is a function of its batch."""

import zlib
from typing import Literal

import numpy as np
import torch

from lingon.core.shapes import Tensor
from lingon.data.batches.row_random import row_generators

Distribution = Literal["normal", "uniform"]


class Noise:
    """Random numbers as the tensor `name` [B, *shape], float32: standard normal, or uniform from 0 to 1.

    Those of a row depend only on the seed, the name, the epoch and the row, not on the batch or the process.
    """

    def __init__(self, name: str, count: int, shape: tuple[int, ...], distribution: Distribution, seed: int):
        self.name, self.count, self.shape, self.distribution, self.seed = name, count, shape, distribution, seed
        self._epoch = 0

    def __len__(self) -> int:
        return self.count

    def lengths(self) -> None:
        """Return None: all rows have the same shape."""

    def set_epoch(self, epoch: int) -> None:
        """Switch to the random numbers of this epoch."""
        self._epoch = epoch

    def collate(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Return the numbers of these rows."""
        found = np.empty((len(rows), *self.shape), np.float32)
        for i, generator in enumerate(row_generators(self.seed, self.name, self._epoch, rows)):
            if self.distribution == "normal":
                found[i] = generator.standard_normal(self.shape, np.float32)
            else:
                found[i] = generator.random(self.shape, np.float32)
        return {self.name: torch.from_numpy(found)}

    def checksum(self) -> int:
        """Return the checksum of the parameters that determine the numbers."""
        return zlib.crc32(repr((self.name, self.count, self.shape, self.distribution, self.seed)).encode())
