"""Structured self-attention: several trained queries (hops) over the tokens of a text."""

import torch
from torch import nn

from lingon.core.shapes import Bool, Float, Tensor


class StructuredAttention(nn.Module):
    """A = softmax(W2 tanh(W1 H^T)) over the tokens but padding, a row per hop (Lin 2017, section 2.2, equation 6)."""

    def __init__(self, width: int, hidden: int, hops: int):
        super().__init__()
        self.first = nn.Linear(width, hidden, bias=False)
        self.second = nn.Linear(hidden, hops, bias=False)

    def forward(self, h: Float[Tensor, "B T D"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B hops T"]:
        """Return the weights: each hop sums to 1 over the tokens that are not padding, and to 0 in an empty text."""
        scores = self.second(torch.tanh(self.first(h))).transpose(1, 2)
        # The lowest finite number instead of -inf, so that an empty text does not give NaN.
        scores = scores.masked_fill(~mask[:, None], torch.finfo(scores.dtype).min)
        return scores.softmax(-1) * mask[:, None]


def attention_overlap(weights: Float[Tensor, "B hops T"]) -> Float[Tensor, ""]:
    """Return the mean of ||A A^T - I||^2 over texts: large if hops attend to the same tokens (Lin 2017, equation 8)."""
    alike = weights @ weights.transpose(1, 2)
    return (alike - torch.eye(weights.shape[1], device=weights.device, dtype=weights.dtype)).square().sum((1, 2)).mean()
