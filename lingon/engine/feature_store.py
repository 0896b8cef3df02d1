"""The sparse features of examples, computed once, on which a linear model is trained and evaluated."""

import zlib
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.sparse_features import linear_scores


@runtime_checkable
class LinearModel(Protocol):
    """A model whose logits are linear in sparse features of an example: table [R, C] and bias [C]."""

    table: nn.Parameter
    bias: nn.Parameter

    def features(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"]
    ) -> tuple[Int[Tensor, " M"], Float[Tensor, " M"], Int[Tensor, " B+1"]]:
        """Return the table rows of all features, their values, and the position where each example starts."""
        ...


class FeatureStore:
    """The features of examples: table rows and values, start and end of each example, and its number of tokens."""

    def __init__(self, examples: int):
        self.starts, self.ends = np.full(examples, -1, np.int64), np.full(examples, -1, np.int64)
        self.tokens = np.zeros(examples, np.int64)
        self._rows, self._values, self._used = np.empty(0, np.int32), np.empty(0, np.float32), 0

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return rows and values [M], and starts and ends [N]; -1 where an example has not been added."""
        return self._rows, self._values, self.starts, self.ends

    def add(self, model: LinearModel, index: np.ndarray, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> None:
        """Add the features that a model computes for the examples numbered `index` [B]."""
        rows, values, starts = (part.numpy() for part in model.features(ids, mask))
        first, self._used = self._used, self._used + len(rows)
        if self._used > len(self._rows):
            room = max(self._used, 2 * len(self._rows))
            self._rows, self._values = np.resize(self._rows, room), np.resize(self._values, room)
        self._rows[first : self._used], self._values[first : self._used] = rows, values
        self.starts[index], self.ends[index] = first + starts[:-1], first + starts[1:]
        self.tokens[index] = mask.numpy().sum(1)

    def scores(self, model: LinearModel, first: int = 0) -> Float[Tensor, "n C"]:
        """Return the logits of a model, bias + sum of values * table rows, for the examples from number `first` on."""
        rows, values, starts, ends = self.arrays
        table, bias = model.table.detach().numpy(), model.bias.detach().numpy()
        out = np.empty((len(self) - first, table.shape[1]), np.float32)
        linear_scores(rows, values, starts[first:], ends[first:], table, bias, out)
        return torch.from_numpy(out)

    def checksum(self) -> int:
        """Return a CRC-32 of the features, to detect other ones."""
        return zlib.crc32(self.tokens.data, zlib.crc32(self._rows[: self._used].data))
