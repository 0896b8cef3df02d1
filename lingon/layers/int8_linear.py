"""Linear layers with frozen weights of 8 bits, through which gradients go back: what LoRA stands on to save memory.

`lingon.kernels.int8_linear` is for decoding, where nothing is trained.
"""

from collections.abc import Collection
from typing import Any

import torch
from torch import nn

from lingon.core.shapes import Float, Int, Tensor
from lingon.kernels.int8_linear import quantize_rows
from lingon.kernels.linear import onednn_linear


class FrozenInt8Linear(nn.Module):
    """x W^T + b with each row of W as 8-bit numbers times one scale; neither W nor b is trained.

    W is made anew from its numbers forwards and backwards, so that no more than one layer's is in memory at a time.
    Source: Dettmers et al. 2023, "QLoRA", section 3, with the 8-bit numbers of Dettmers et al. 2022, section 2, without
    its outliers.
    """

    def __init__(self, linear: nn.Linear):
        super().__init__()
        self.in_features, self.out_features, self.kind = linear.in_features, linear.out_features, type(linear)
        numbers, scale = quantize_rows(linear.weight.detach().float())
        self.numbers: Tensor
        self.scale: Tensor
        self.register_buffer("numbers", numbers)
        self.register_buffer("scale", scale)
        self.bias = None if linear.bias is None else nn.Parameter(linear.bias.detach(), requires_grad=False)

    @property
    def weight(self) -> Float[Tensor, "O I"]:
        """Return W, for whoever multiplies by a part of it."""
        return dequantized(self.numbers, self.scale)

    def forward(self, x: Float[Tensor, "... I"]) -> Float[Tensor, "... O"]:
        rows = _Product.apply(x.reshape(-1, self.in_features), self.numbers, self.scale)
        return (rows if self.bias is None else rows + self.bias.to(rows.dtype)).view(*x.shape[:-1], -1)

    def plain(self) -> nn.Linear:
        """Return the linear layer that computes the same, of the class that it was made of, in float32."""
        linear = self.kind(self.in_features, self.out_features, bias=self.bias is not None, device=self.numbers.device)
        with torch.no_grad():
            linear.weight.copy_(self.weight)
            if self.bias is not None:
                linear.bias.copy_(self.bias)
        return linear


def quantize_linear(model: nn.Module, names: Collection[str] | None = None) -> nn.Module:
    """Put `FrozenInt8Linear` in place of linear layers, in place; return the model.

    names: of the layers; when not given, all of them whose matrix is no embedding too.
    """
    tied = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear) and (name in names if names is not None else id(module.weight) not in tied):
            _replace(model, name, FrozenInt8Linear(module))
    return model


def dequantize_linear(model: nn.Module) -> nn.Module:
    """Put plain linear layers in place of those of 8 bits, in place; return the model."""
    for name, module in list(model.named_modules()):
        if isinstance(module, FrozenInt8Linear):
            _replace(model, name, module.plain())
    return model


def dequantized(numbers: Int[Tensor, "O I"], scale: Float[Tensor, " O"]) -> Float[Tensor, "O I"]:
    """Return the rows of 8-bit numbers times their scales, in float32."""
    return numbers.to(scale.dtype).mul_(scale[:, None])


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, module)


class _Product(torch.autograd.Function):
    """x W^T that keeps the 8-bit numbers for its gradient, not W."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, numbers: Tensor, scale: Tensor) -> Tensor:
        ctx.save_for_backward(numbers, scale)
        return onednn_linear(x, dequantized(numbers, scale).to(x.dtype))

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        weight = dequantized(*ctx.saved_tensors).to(upstream.dtype)
        return onednn_linear(upstream, weight.T), None, None
