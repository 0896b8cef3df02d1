"""Convolutions over time that never include padding."""

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor


class ConvMax(nn.Module):
    """Filters over `kernel` tokens, then ReLU, then the maximum over time (Collobert 2011; Kim 2014).

    c_i = relu(w . x[i : i + kernel] + b), and max over i. Only windows within the text count; a text shorter than the
    kernel is padded with zeros and has one window.

    Only the maximal window, 1 of T, receives a gradient. So the maxima are found without gradients, and only their
    scores are computed again with gradients: the same numbers for a third of the work.
    """

    def __init__(self, width: int, channels: int, kernel: int):
        super().__init__()
        self.kernel = kernel
        self.conv = nn.Conv1d(width, channels, kernel)

    def forward(self, x: Float[Tensor, "B T D"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B channels"]:
        """Return the maximum of each filter, zero for an empty text. x: vectors of tokens, zero where padded."""
        lengths = mask.sum(1)
        with torch.no_grad():
            highest, place = self._winners(x, lengths)
        if torch.is_grad_enabled():
            highest = self._score(x, place)
        # ReLU after the maximum is the same as before it.
        return highest.relu() * (lengths > 0)[:, None]

    def scores(self, x: Float[Tensor, "B T D"]) -> Float[Tensor, "B windows channels"]:
        """Return the output of each filter for each window, before ReLU; windows = max(1, T - kernel + 1)."""
        # As an image one pixel high, [B, D, 1, T], channels last: the fastest layout for convolution on a CPU.
        image = self._filled(x)[:, None].permute(0, 3, 1, 2)
        return F.conv2d(image, self.conv.weight[:, :, None], self.conv.bias)[:, :, 0].transpose(1, 2)

    def _filled(self, x: Float[Tensor, "B T D"]) -> Float[Tensor, "B S D"]:
        """Return x padded with zeros at the end to at least one window."""
        return F.pad(x, (0, 0, 0, max(0, self.kernel - x.shape[1])))

    def _winners(
        self, x: Float[Tensor, "B T D"], lengths: Int[Tensor, " B"]
    ) -> tuple[Float[Tensor, "B channels"], Int[Tensor, "B channels"]]:
        """Return the highest score of each filter in each text, and its window."""
        scores = self.scores(x)
        last = (lengths - self.kernel).clamp(min=0)
        outside = torch.arange(scores.shape[1], device=x.device) > last[:, None]
        return scores.masked_fill(outside[..., None], -torch.inf).max(1)

    def _score(self, x: Float[Tensor, "B T D"], place: Int[Tensor, "B channels"]) -> Float[Tensor, "B channels"]:
        """Return the score of each filter for the window that starts at `place`."""
        x = self._filled(x)
        first = torch.arange(x.shape[0], device=x.device)[:, None] * x.shape[1] + place
        tokens = first[..., None] + torch.arange(self.kernel, device=x.device)
        windows = F.embedding(tokens, x.flatten(0, 1))  # [B, channels, kernel, D]
        assert self.conv.bias is not None
        return (windows * self.conv.weight.transpose(1, 2)).sum((2, 3)) + self.conv.bias
