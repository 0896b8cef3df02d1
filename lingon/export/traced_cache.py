"""The cache of a decoder for tracing: a step reads and returns tensors of any length."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lingon.core.shapes import Bool
from lingon.layers.kv_cache import KVCache


class TracedCache(KVCache):
    """Keys and values that grow by concatenation, so that a graph has no in-place writes to external memory.

    All columns hold a token: graphs do not support rows of different lengths.
    """

    def __init__(self, keys: Sequence[Tensor], values: Sequence[Tensor], limit: int, length: int | None = None):
        super().__init__(keys, values, limit, keys[0].shape[2] if length is None else length)

    def advance(self, columns: int, mask: Bool[Tensor, "B S"] | None = None) -> "TracedCache":
        """Return the cache after `columns` more columns, once each layer has written its keys and values."""
        assert mask is None, "a graph reads no padding"
        return TracedCache([k for k in self.keys if k is not None], [v for v in self.values if v is not None],
                           self.limit, self.length + columns)  # fmt: skip

    def _written(self, tensors: list[Tensor | None], layer: int, new: Tensor) -> Tensor:
        old = tensors[layer]
        assert old is not None, "an empty part has no columns, but it is a tensor"
        joined = torch.cat([old, new], 2)
        tensors[layer] = joined
        return joined
