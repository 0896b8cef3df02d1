"""Residual connections with the norm before the layer, after the sum, or before and after the layer."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.kernels.dropout import dropout

Sublayer = Callable[[Float[Tensor, "B S D"]], Float[Tensor, "B S D"]]


@runtime_checkable
class Residual(Protocol):
    """A residual connection around a layer."""

    def __call__(self, x: Float[Tensor, "B S D"], sublayer: Sublayer) -> Float[Tensor, "B S D"]: ...


class PreNorm(nn.Module):
    """x + dropout(layer(norm(x))) (Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture")."""

    def __init__(self, norm: nn.Module, dropout: float = 0.0):
        super().__init__()
        self.pre_norm, self.dropout = norm, dropout

    def forward(self, x: Float[Tensor, "B S D"], sublayer: Sublayer) -> Float[Tensor, "B S D"]:
        return x + residual_dropout(sublayer(self.pre_norm(x)), self)


class PostNorm(nn.Module):
    """norm(x + dropout(layer(x))) (Vaswani et al. 2017, section 5.4)."""

    def __init__(self, norm: nn.Module, dropout: float = 0.0):
        super().__init__()
        self.post_norm, self.dropout = norm, dropout

    def forward(self, x: Float[Tensor, "B S D"], sublayer: Sublayer) -> Float[Tensor, "B S D"]:
        return self.post_norm(x + residual_dropout(sublayer(x), self))


class Sandwich(nn.Module):
    """x + dropout(norm(layer(norm(x)))), as in Gemma 2 (Gemma Team 2024, section 2)."""

    def __init__(self, pre_norm: nn.Module, post_norm: nn.Module, dropout: float = 0.0):
        super().__init__()
        self.pre_norm, self.post_norm, self.dropout = pre_norm, post_norm, dropout

    def forward(self, x: Float[Tensor, "B S D"], sublayer: Sublayer) -> Float[Tensor, "B S D"]:
        return x + residual_dropout(self.post_norm(sublayer(self.pre_norm(x))), self)


def residual_dropout(x: Tensor, module: PreNorm | PostNorm | Sandwich) -> Tensor:
    """Return x after the module's dropout; x itself without dropout, or in evaluation mode."""
    return dropout(x, module.dropout) if module.dropout and module.training else x
