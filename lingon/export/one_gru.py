"""GRUs as one operator each, so that a traced model reads texts of any length instead of unrolling a fixed length."""

import copy
from typing import Any

import torch
from torch import nn

from lingon.core.shapes import Float, Tensor


@torch.library.custom_op("lingon::gru", mutates_args=())
def gru(
    x: Tensor, w_input: Tensor, w_state: Tensor, b_input: Tensor, b_state: Tensor, last: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the states of a GRU [T, B, H] after each x [T, B, W], and the last one [1, B, H]. last: initial state."""
    out, state = torch.gru(x, last, [w_input, w_state, b_input, b_state], True, 1, 0.0, False, False, False)
    return out.clone(), state.clone()


@gru.register_fake
def _sizes(
    x: Tensor, w_input: Tensor, w_state: Tensor, b_input: Tensor, b_state: Tensor, last: Tensor
) -> tuple[Tensor, Tensor]:
    return x.new_empty(x.shape[0], x.shape[1], w_state.shape[1]), torch.empty_like(last)


class OneGRU(nn.Module):
    """An `nn.GRU` of one layer and direction for prediction, with the same weights: one operator of a graph.

    `torch.export` would trace into the loop of nn.GRU over time and fix the number of steps.
    """

    def __init__(self, gru: Any):
        super().__init__()
        self.gru: Any = gru

    def forward(self, x: Float[Tensor, "T B W"]) -> tuple[Float[Tensor, "T B H"], Float[Tensor, "1 B H"]]:
        """Return the states, starting from zeros, and the last one."""
        own, zeros = self.gru, x.new_zeros(1, x.shape[1], self.gru.hidden_size)
        return gru(x, own.weight_ih_l0, own.weight_hh_l0, own.bias_ih_l0, own.bias_hh_l0, zeros)


class OneTimeGRU(nn.Module):
    """A GRU of one layer and direction at a single time step, as matrix products (Cho et al. 2014).

    Like an LSTM it takes a state and a cell; it has no cell, so that one is passed through.
    """

    def __init__(self, gru: Any):
        super().__init__()
        self.gru: Any = gru

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the output [1, B, H] of x [1, B, W], and the new state and the cell."""
        own, (h, none) = self.gru, state
        entering = nn.functional.linear(x, own.weight_ih_l0, own.bias_ih_l0).chunk(3, -1)
        kept = nn.functional.linear(h, own.weight_hh_l0, own.bias_hh_l0).chunk(3, -1)
        resets, stays = (torch.sigmoid(a + b) for a, b in zip(entering[:2], kept[:2], strict=True))
        new = torch.tanh(entering[2] + resets * kept[2])
        h = (1 - stays) * new + stays * h
        return h, (h, none)


def with_one_grus(model: Any) -> Any:
    """Return a model in which every GRU of its encoder with one layer and direction is one operator.

    It is a copy that shares its weights, or the model itself if there is none. The decoder is unchanged.
    """
    if not any(_fits(part) for part in model.encoder.modules()):
        return model
    copied = copy.deepcopy(model, {id(t): t for t in [*model.parameters(), *model.buffers()]})
    for parent in list(copied.encoder.modules()):
        for name, child in list(parent.named_children()):
            if _fits(child):
                setattr(parent, name, OneGRU(child))
    return copied


def _fits(part: nn.Module) -> bool:
    plain = isinstance(part, nn.GRU) and part.num_layers == 1 and not part.bidirectional
    return plain and bool(part.bias) and not part.batch_first
