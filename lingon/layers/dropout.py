"""Dropout for recurrent networks: one mask for all times, whole words, and weights."""

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.module_copies import shallow_copy
from lingon.core.shapes import Float, Tensor


class LockedDropout(nn.Module):
    """Drops the same numbers at every time (Gal and Ghahramani 2016, "variational" dropout)."""

    def __init__(self, share: float):
        super().__init__()
        self.share = share

    def forward(self, x: Float[Tensor, "T B D"]) -> Float[Tensor, "T B D"]:
        if not self.training or not self.share:
            return x
        return x * _mask(x[:1], self.share)


def word_dropped(weight: Float[Tensor, "V D"], share: float, training: bool) -> Float[Tensor, "V D"]:
    """An embedding table from which whole words are dropped (Gal and Ghahramani 2016, section 4.2)."""
    return weight * _mask(weight[:, :1], share) if training and share else weight


def run_dropped(
    lstm: nn.LSTM, x: Float[Tensor, "T B D"], state: tuple[Tensor, Tensor] | None, share: float
) -> tuple[Float[Tensor, "T B H"], tuple[Tensor, Tensor]]:
    """Runs an LSTM with a share of its hidden-to-hidden weights dropped while training, the same at all times.

    Source: Merity et al. 2018, "Regularizing and Optimizing LSTM Language Models", section 2 (DropConnect, Wan 2013).
    """
    if not lstm.training or not share:
        return lstm(x, state)
    weights = dict(lstm.named_parameters())
    weights["weight_hh_l0"] = F.dropout(weights["weight_hh_l0"], share)
    # In a copy, because others may be predicting with this layer at this moment.
    return torch.func.functional_call(shallow_copy(lstm), weights, (x, state))


def _mask(like: Tensor, share: float) -> Tensor:
    return torch.empty_like(like, requires_grad=False).bernoulli_(1 - share).div_(1 - share)
