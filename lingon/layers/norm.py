"""Root-mean-square normalisation; LayerNorm is torch's own."""

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Tensor


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + epsilon) * (offset + weight), over the last axis (Zhang and Sennrich 2019, equation 4).

    offset 1 is Gemma's: there the weight says how far the scale is from 1.
    """

    def __init__(self, width: int, epsilon: float = 1e-6, offset: float = 0.0):
        super().__init__()
        self.epsilon, self.offset = epsilon, offset
        self.weight = nn.Parameter(torch.full((width,), 1.0 - offset))

    def forward(self, x: Float[Tensor, "... D"]) -> Float[Tensor, "... D"]:
        weight = self.weight + self.offset if self.offset else self.weight
        return F.rms_norm(x, weight.shape, weight.to(x.dtype), self.epsilon)
