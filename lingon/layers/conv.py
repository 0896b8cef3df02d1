"""Convolutions over time that never see past the end of a text."""

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Bool, Float, Tensor


class ConvMax(nn.Module):
    """Filters over `kernel` tokens at a time, then ReLU, then the maximum over time (Collobert 2011; Kim 2014).

    c_i = relu(w . x[i : i + kernel] + b), and max over i. A window counts when it lies in the text; a text shorter than
    the kernel is filled up with zeros and has one window.
    """

    def __init__(self, width: int, channels: int, kernel: int):
        super().__init__()
        self.kernel = kernel
        self.conv = nn.Conv1d(width, channels, kernel)

    def forward(self, x: Float[Tensor, "B T D"], real: Bool[Tensor, "B T"]) -> Float[Tensor, "B channels"]:
        """x: vectors of tokens, zero where padded. Returns the maximum of each filter, zero for an empty text."""
        return windows_max(self.scores(x), real, self.kernel)

    def scores(self, x: Float[Tensor, "B T D"]) -> Float[Tensor, "B windows channels"]:
        """What each filter says of each window, before ReLU; windows = max(1, T - kernel + 1)."""
        x = F.pad(x, (0, 0, 0, max(0, self.kernel - x.shape[1])))
        return self.conv(x.transpose(1, 2)).transpose(1, 2)


def windows_max(
    scores: Float[Tensor, "B windows channels"], real: Bool[Tensor, "B T"], kernel: int
) -> Float[Tensor, "B channels"]:
    """ReLU, then the maximum over the windows that lie in each text."""
    lengths = real.sum(1, keepdim=True)
    last = (lengths - kernel).clamp(min=0)
    inside = torch.arange(scores.shape[1], device=scores.device) <= last
    # ReLU after the maximum is the same as before it, and costs 1/T. What lies outside becomes 0, the least ReLU gives.
    highest = scores.masked_fill(~inside[..., None], -torch.inf).amax(1).relu()
    return highest * (lengths > 0)
