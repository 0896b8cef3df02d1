"""Dropout for recurrent networks: one mask for all time steps, of whole words, and of weights."""

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.eval_view import shallow_copy
from lingon.core.shapes import Float, Tensor


class LockedDropout(nn.Module):
    """Drops the same units at every time step (Gal and Ghahramani 2016, "variational" dropout)."""

    def __init__(self, p: float):
        super().__init__()
        self.p = p

    def forward(self, x: Float[Tensor, "T B D"]) -> Float[Tensor, "T B D"]:
        if not self.training or not self.p:
            return x
        return x * _mask(x[:1], self.p)


def embedding_dropout(weight: Float[Tensor, "V D"], p: float, training: bool) -> Float[Tensor, "V D"]:
    """Return an embedding table with whole rows, of words, dropped (Gal and Ghahramani 2016, section 4.2)."""
    return weight * _mask(weight[:, :1], p) if training and p else weight


def weight_dropped_lstm(
    lstm: nn.LSTM, x: Float[Tensor, "T B D"], state: tuple[Tensor, Tensor] | None, p: float
) -> tuple[Float[Tensor, "T B H"], tuple[Tensor, Tensor]]:
    """Return the output of an LSTM with a fraction of its hidden-to-hidden weights dropped, the same at all steps.

    Source: Merity et al. 2018, "Regularizing and Optimizing LSTM Language Models", section 2 (DropConnect, Wan 2013).
    """
    if not lstm.training or not p:
        return lstm(x, state)
    weights: dict[str, Tensor] = dict(lstm.named_parameters())
    weights["weight_hh_l0"] = F.dropout(weights["weight_hh_l0"], p)
    # On a copy, because the layer may be in use for prediction at the same time.
    return torch.func.functional_call(shallow_copy(lstm), weights, (x, state))


def _mask(like: Tensor, p: float) -> Tensor:
    return torch.empty_like(like, requires_grad=False).bernoulli_(1 - p).div_(1 - p)
