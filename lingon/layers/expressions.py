"""Layers as expressions of `lingon.program`, for models that are exported as programs."""

import numpy as np
import torch
from torch import nn

from lingon import program as P
from lingon.layers.recurrent import BidirectionalLayers
from lingon.program import Expression

LOWEST = float(np.finfo(np.float32).min)


def tensor_constant(tensor: torch.Tensor) -> Expression:
    """Return a tensor as a constant."""
    return P.constant(np.ascontiguousarray(tensor.detach().numpy()))


def embedded(table: torch.Tensor, ids: Expression) -> Expression:
    """Return the rows of a table [V, D] with these ids [B, T]."""
    return P.embedding(tensor_constant(table), ids)


def linear(x: Expression, layer: nn.Linear) -> Expression:
    """Return a linear layer applied to x."""
    return P.matmul(x, tensor_constant(layer.weight.T)) + tensor_constant(layer.bias)


def lengths(weights: Expression) -> Expression:
    """Return the number of tokens of each text [B, 1], from the mask as numbers [B, T]."""
    return P.sum(weights, 1, True)


def bilstm(layers: BidirectionalLayers, x: Expression, mask: Expression) -> tuple[Expression, Expression]:
    """Return states [B, T, 2 H], zero for padding, and the last state of each direction [B, 2 H]."""
    x, mask = P.transpose(x, (1, 0, 2)), P.expand_dims(P.transpose(mask, (1, 0)), -1)
    for ahead, back in zip(layers.forwards, layers.backwards, strict=True):
        (a, a_last), (b, b_last) = _direction(ahead, x, mask, False), _direction(back, x, mask, True)
        x = P.concatenate([a, b], -1)
    return P.transpose(x * mask.astype("float32"), (1, 0, 2)), P.concatenate([a_last, b_last], -1)


def _direction(lstm: nn.Module, x: Expression, mask: Expression, reverse: bool) -> tuple[Expression, Expression]:
    """Return one direction over x [T, B, D]. At padding, after the end or before the start, the state is kept."""
    assert isinstance(lstm, nn.LSTM)
    hidden, weights = lstm.hidden_size, dict(lstm.named_parameters())
    bias = weights["bias_ih_l0"] + weights["bias_hh_l0"]
    given = P.matmul(x, tensor_constant(weights["weight_ih_l0"].T)) + tensor_constant(bias)
    recurrent_weights = tensor_constant(weights["weight_hh_l0"].T)
    nothing = given[0][:, :hidden] * 0.0

    def step(state, member):
        (held, cell), (gates, there) = state, member
        gates = gates + P.matmul(held, recurrent_weights)
        enter, forget, new, out = (gates[:, i * hidden : (i + 1) * hidden] for i in range(4))
        cell_now = P.sigmoid(forget) * cell + P.sigmoid(enter) * P.tanh(new)
        held_now = P.sigmoid(out) * P.tanh(cell_now)
        return (P.where(there, held_now, held), P.where(there, cell_now, cell)), P.where(there, held_now, held)

    (last, _), states = P.scan(step, (nothing, nothing), (given, mask), reverse)
    return states, last
