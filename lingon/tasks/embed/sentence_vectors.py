"""From token ids to one vector a text: the encoder with its pooling as one module, which an export writes."""

from collections.abc import Callable
from typing import Any

from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor


class SentenceVectors(nn.Module):
    """The encoder, and what makes one vector of those of a text's tokens, of hidden [B, T, D] and mask [B, T]."""

    def __init__(self, encoder: nn.Module, pooled: Callable[[Tensor, Tensor], Tensor]):
        super().__init__()
        self.encoder: Any = encoder
        self._pooled = pooled

    def forward(self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B D"]:
        """Return the vectors; zero for a text without tokens."""
        return self._pooled(self.encoder(ids, mask), mask)
