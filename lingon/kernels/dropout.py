"""Dropout whose random numbers are drawn several at a time.

PyTorch draws one number of its generator, on one core, for each number that may be dropped; on processors that are not
Intel's that is what a training of small models waits for. Sixteen bits decide as well, and one draw has 64 of them.
"""

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Bool, Float, Tensor

BITS = 16
LEAST = 1 << 12  # numbers, below which PyTorch's own dropout takes as long
LOWEST = -(1 << 63)  # of 64 bits


class Dropout(nn.Dropout):
    """nn.Dropout, faster on a CPU: drops each number with probability p, rounded to 1/65,536, and scales the others.

    The numbers that it drops are others than those of nn.Dropout with the same seed.
    """

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Return x with some numbers 0 and the others larger, while it is trained; else x."""
        if not self.training or not self.p:
            return x
        return F.dropout(x, self.p, True, True) if self.inplace else dropout(x, self.p)


def dropout(x: Float[Tensor, "..."], p: float) -> Float[Tensor, "..."]:
    """Return x with each number dropped with probability p, and the others scaled: F.dropout while training."""
    if x.device.type != "cpu" or x.numel() < LEAST or torch.compiler.is_compiling():
        return F.dropout(x, p)
    stays, scale = _draw(x, p)
    return _Dropped.apply(x, stays, scale)


def _draw(x: Float[Tensor, "..."], p: float) -> tuple[Bool[Tensor, "..."], float]:
    """Return which numbers of x stay, and what they are multiplied by."""
    dropped = round(p * (1 << BITS))
    if dropped == 1 << BITS:
        return torch.zeros(x.shape, dtype=torch.bool), 1.0
    draws = torch.empty(-(-x.numel() * BITS // 64), dtype=torch.int64).random_(LOWEST, None)
    stays = draws.view(torch.int16)[: x.numel()] >= dropped - (1 << (BITS - 1))
    return stays.view(x.shape), (1 << BITS) / ((1 << BITS) - dropped)


class _Dropped(torch.autograd.Function):
    """x * stays * scale. What stays is kept for the gradient as a byte each, not as a factor of four."""

    @staticmethod
    def forward(ctx, x, stays, scale):
        ctx.save_for_backward(stays)
        ctx.scale = scale
        return x * stays.to(x.dtype).mul_(scale)

    @staticmethod
    def backward(ctx, upstream):
        (stays,) = ctx.saved_tensors
        return _Dropped.apply(upstream, stays, ctx.scale), None, None
