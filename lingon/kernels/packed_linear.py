"""Linear layers for decoding whose matrix lies as oneDNN reads it fastest.

A step of decoding reads every weight once and does little with it, so that the memory sets its pace.
"""

import copy
from collections.abc import Callable

import torch
from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.kernels.linear import suits_onednn

WORTH = 1 << 18  # numbers in a matrix, below which it is not laid out: a call of it takes 10 microseconds more


def swap_linear(model: nn.Module, make: Callable[[nn.Linear], nn.Module] | None = None) -> nn.Module:
    """Return the model for decoding alone, with `make` of each linear layer in its place; `model` stays as it is.

    make: `pack_linear` when not given, the same numbers in another order; or `Int8Linear`. All else is shared.
    """
    make = make or pack_linear
    if isinstance(model, nn.Linear):
        return make(model)
    twin = copy.copy(model)
    children = model._modules.items()
    twin._modules = {name: None if child is None else swap_linear(child, make) for name, child in children}
    return twin


def pack_linear(linear: nn.Linear) -> nn.Module:
    """Return a `PackedLinear` where that is faster, else the layer itself."""
    return PackedLinear(linear) if suits_onednn(linear.weight) and linear.weight.numel() >= WORTH else linear


class PackedLinear(nn.Module):
    """x W^T + b by oneDNN, with W in blocks as its kernels read it: about twice as fast as F.linear for few rows."""

    def __init__(self, linear: nn.Linear):
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        with torch.no_grad():
            self.blocks = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach().contiguous(), 1)
        self.bias = None if linear.bias is None else linear.bias.detach()

    def forward(self, x: Float[Tensor, "... I"]) -> Float[Tensor, "... O"]:
        return torch.ops.mkldnn._linear_pointwise(x, self.blocks, self.bias, "none", [], "")
