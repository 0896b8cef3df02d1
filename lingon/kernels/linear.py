"""Linear layers that use oneDNN where it is faster than PyTorch's default, in the forward and the backward pass.

PyTorch multiplies float32 matrices on a CPU by MKL. On an AMD processor, that took over twice as long as oneDNN, which
PyTorch includes too; on older machines the two were about equal (docs/log.md). The results differ only in the order of
summation.
"""

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Tensor

ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
LEAST = 1 << 14  # elements of a matrix below which a plain product is as fast
WORTH = 1 << 22  # multiplications of a product below which the calls for the gradient cost more than they gain


class OneDNNLinear(nn.Linear):
    """A faster nn.Linear, but without support for `torch.func` and forward-mode derivatives."""

    def forward(self, x: Float[Tensor, "... I"]) -> Float[Tensor, "... O"]:
        return onednn_linear(x, self.weight, self.bias)


def onednn_linear(
    x: Float[Tensor, "... I"], weight: Float[Tensor, "O I"], bias: Float[Tensor, " O"] | None = None
) -> Float[Tensor, "... O"]:
    """Return F.linear, by oneDNN where that is faster, unless operators are traced for compilation or export."""
    # Checked first, so that no size becomes a guard of the compiled code.
    if torch.compiler.is_compiling() or torch.is_autocast_enabled("cpu") or not _worth(x, weight):
        return F.linear(x, weight, bias)
    if not torch.is_grad_enabled():
        return torch.ops.mkldnn._linear_pointwise(x.contiguous(), weight, bias, "none", [], "")
    return _Linear.apply(x.reshape(-1, x.shape[-1]), weight, bias).view(*x.shape[:-1], -1)


def onednn_product(
    x: Float[Tensor, "N I"], weight: Float[Tensor, "O I"], bias: Float[Tensor, " O"] | None = None
) -> Float[Tensor, "N O"]:
    """Return F.linear without autograd, by oneDNN for float32 on a CPU. Non-contiguous rows of x are copied."""
    if not (suits_onednn(weight) and x.dtype == weight.dtype):
        return F.linear(x, weight, bias)
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


def suits_onednn(weight: Tensor) -> bool:
    """Return whether oneDNN can multiply by these weights, and the matrix is large enough for it to be worth it."""
    return ONEDNN and weight.dtype == torch.float32 and weight.numel() >= LEAST and weight.device.type == "cpu"


def _worth(x: Tensor, weight: Tensor) -> bool:
    return x.numel() * len(weight) >= WORTH and x.dtype == weight.dtype and suits_onednn(weight)


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        x = x.contiguous()  # oneDNN does not accept overlapping rows
        ctx.save_for_backward(x if ctx.needs_input_grad[1] else None, weight if ctx.needs_input_grad[0] else None)
        return onednn_product(x, weight, bias)

    @staticmethod
    def backward(ctx, upstream):
        x, weight = ctx.saved_tensors
        # Uses `onednn_linear` again, so that second derivatives are available too.
        of_x = None if weight is None else onednn_linear(upstream, weight.T)
        of_weight = None
        if x is not None:
            upstream = upstream.contiguous()
            wide = upstream.shape[1] > x.shape[1]  # the first factor is copied to be contiguous: take the smaller one
            of_weight = onednn_linear(x.T, upstream.T).T if wide else onednn_linear(upstream.T, x.T)
        return of_x, of_weight, upstream.sum(0) if ctx.needs_input_grad[2] else None
