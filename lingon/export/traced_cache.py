"""The memory of a decoder as a graph can hold it: what a step reads and gives are tensors of any length."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lingon.core.shapes import Bool
from lingon.layers.kv_cache import KVCache


class TracedCache(KVCache):
    """Keys and values that grow by joining tensors, so that nothing is written into memory that is not the graph's.

    All columns hold a token: rows of different lengths are not for graphs.
    """

    def __init__(self, keys: Sequence[Tensor], values: Sequence[Tensor], limit: int, length: int | None = None):
        super().__init__(keys, values, limit, keys[0].shape[2] if length is None else length)

    def advance(self, columns: int, mask: Bool[Tensor, "B S"] | None = None) -> "TracedCache":
        """Return the cache that has read `columns` more, once each layer has written its part."""
        assert mask is None, "a graph reads no padding"
        return TracedCache([k for k in self.keys if k is not None], [v for v in self.values if v is not None],
                           self.limit, self.length + columns)  # fmt: skip

    def _written(self, tensors: list[Tensor | None], layer: int, new: Tensor) -> Tensor:
        old = tensors[layer]
        assert old is not None, "an empty part has no columns, but it is a tensor"
        joined = torch.cat([old, new], 2)
        tensors[layer] = joined
        return joined
