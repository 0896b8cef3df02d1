"""Linear layers with frozen int8 weights, through which gradients flow, to save memory under LoRA.

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
    """A linear layer x W^T + b with int8 weights and a scale per row; neither W nor b is trained.

    W is dequantized in each forward and backward pass, so that only one layer's W is in memory at a time.
    Source: Dettmers et al. 2023, "QLoRA", section 3, with the int8 quantization of Dettmers et al. 2022, section 2,
    without the treatment of outliers.
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
        """Return W in float32, for callers that multiply by a part of it."""
        return dequantized(self.numbers, self.scale)

    def forward(self, x: Float[Tensor, "... I"]) -> Float[Tensor, "... O"]:
        rows = _Product.apply(x.reshape(-1, self.in_features), self.numbers, self.scale)
        return (rows if self.bias is None else rows + self.bias.to(rows.dtype)).view(*x.shape[:-1], -1)

    def plain(self) -> nn.Linear:
        """Return the equivalent linear layer in float32, of the class that it was made from."""
        linear = self.kind(self.in_features, self.out_features, bias=self.bias is not None, device=self.numbers.device)
        with torch.no_grad():
            linear.weight.copy_(self.weight)
            if self.bias is not None:
                linear.bias.copy_(self.bias)
        return linear


def quantize_linear(model: nn.Module, names: Collection[str] | None = None) -> nn.Module:
    """Replace linear layers by `FrozenInt8Linear`, in place; return the model.

    names: of the layers; by default all whose matrix is not tied to an embedding.
    """
    tied = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear) and (name in names if names is not None else id(module.weight) not in tied):
            _replace(model, name, FrozenInt8Linear(module))
    return model


def dequantize_linear(model: nn.Module) -> nn.Module:
    """Replace int8 layers by plain linear layers, in place; return the model."""
    for name, module in list(model.named_modules()):
        if isinstance(module, FrozenInt8Linear):
            _replace(model, name, module.plain())
    return model


def dequantized(numbers: Int[Tensor, "O I"], scale: Float[Tensor, " O"]) -> Float[Tensor, "O I"]:
    """Return the int8 rows times their scales, in float32."""
    return numbers.to(scale.dtype).mul_(scale[:, None])


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, module)


class _Product(torch.autograd.Function):
    """x W^T that saves the int8 weights for the backward pass, not W."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, numbers: Tensor, scale: Tensor) -> Tensor:
        ctx.save_for_backward(numbers, scale)
        return onednn_linear(x, dequantized(numbers, scale).to(x.dtype))

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        weight = dequantized(*ctx.saved_tensors).to(upstream.dtype)
        return onednn_linear(upstream, weight.T), None, None
