"""Models as declarative programs: one JSON file and its constants, run by `lingon.program` on NumPy alone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lingon import program as P
from lingon.core.errors import unknown
from lingon.export.ngram_rows import RowSum
from lingon.layers import recurrent
from lingon.models.bag_of_vectors import Bag
from lingon.models.bilstm import BiLSTM
from lingon.models.self_attentive import SelfAttentive
from lingon.models.textcnn import TextCNN
from lingon.program import Expression

LOWEST = float(np.finfo(np.float32).min)


def write_program(model: nn.Module, path: Path) -> None:
    """Write the program of a model, (ids [B, T], mask [B, T]) -> logits [B, C], with any B and T.

    Raises UserError for a model that has not been written as a program.
    """
    kind = type(model)
    if kind not in PROGRAMS:
        raise unknown("model for --to program", kind.__name__, [known.__name__ for known in PROGRAMS])
    logits = PROGRAMS[kind](model, P.Variable("ids"), P.Variable("mask"))
    P.compile(logits).save(path)


def run_program(path: Path) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Return the function in a file that `write_program` wrote."""
    program = P.load(path)
    return lambda ids, mask: program(ids=ids, mask=mask)


def _bag(model: Bag, ids: Expression, mask: Expression) -> Expression:
    weights = mask.astype("float32")
    total = P.sum(_embedded(model, ids) * P.expand_dims(weights, -1), 1)
    return _linear(total / P.maximum(_lengths(weights), 1.0), model.out)


def _rows(model: RowSum, ids: Expression, mask: Expression) -> Expression:
    weights = mask.astype("float32")
    total = P.sum(P.embedding(_numbers(model.table), ids) * P.expand_dims(weights, -1), 1)
    return total / P.sqrt(P.maximum(_lengths(weights), 1.0)) + _numbers(model.bias)


def _textcnn(model: TextCNN, ids: Expression, mask: Expression) -> Expression:
    x, weights = _embedded(model, ids), mask.astype("float32")
    if model.frozen is not None:
        x = x + P.embedding(_numbers(model.frozen.weight), ids)
    lengths = _lengths(weights)
    places = P.cumsum(weights * 0.0 + 1.0, 1) - 1.0
    highest = []
    for conv in model.convs:
        # Zeros behind, so that a text shorter than the kernel has a window too; windows that end in them do not count.
        filled = P.concatenate([x, *[x[:, :1] * 0.0] * (conv.kernel - 1)], 1)
        scores = P.conv1d(P.transpose(filled, (0, 2, 1)), _numbers(conv.conv.weight), _numbers(conv.conv.bias))
        outside = places > P.maximum(lengths - float(conv.kernel), 0.0)
        best = P.max(P.where(P.expand_dims(outside, 1), LOWEST, scores), 2)
        highest.append(P.relu(best) * (lengths > 0.0).astype("float32"))
    return _linear(P.concatenate(highest, 1), model.out)


def _bilstm(model: BiLSTM, ids: Expression, mask: Expression) -> Expression:
    _, ends = _states(model.lstm, _embedded(model, ids), mask)
    return _linear(ends, model.out)


def _self_attentive(model: SelfAttentive, ids: Expression, mask: Expression) -> Expression:
    states, _ = _states(model.lstm, _embedded(model, ids), mask)
    first, second = model.attend.first.weight, model.attend.second.weight
    scores = P.matmul(P.tanh(P.matmul(states, _numbers(first.T))), _numbers(second.T))
    there = P.expand_dims(mask, 1)
    scores = P.where(there, P.transpose(scores, (0, 2, 1)), LOWEST)
    weights = P.softmax(scores, -1) * there.astype("float32")
    return _linear(P.matmul(weights, states).reshape(-1, model.out.in_features), model.out)


PROGRAMS: dict[type, Callable] = {
    Bag: _bag,
    RowSum: _rows,
    TextCNN: _textcnn,
    BiLSTM: _bilstm,
    SelfAttentive: _self_attentive,
}


def _states(layers: recurrent.BiLSTMLayers, x: Expression, mask: Expression) -> tuple[Expression, Expression]:
    """States [B, T, 2 H], zero where there is no text, and the last of each direction [B, 2 H]."""
    x, mask = P.transpose(x, (1, 0, 2)), P.expand_dims(P.transpose(mask, (1, 0)), -1)
    for ahead, back in zip(layers.forwards, layers.backwards, strict=True):
        (a, a_last), (b, b_last) = _direction(ahead, x, mask, False), _direction(back, x, mask, True)
        x = P.concatenate([a, b], -1)
    return P.transpose(x * mask.astype("float32"), (1, 0, 2)), P.concatenate([a_last, b_last], -1)


def _direction(lstm: nn.LSTM, x: Expression, mask: Expression, reverse: bool) -> tuple[Expression, Expression]:
    """One direction over x [T, B, D]. A state waits where there is no text: at its end, or before its start."""
    hidden = lstm.hidden_size
    given = P.matmul(x, _numbers(lstm.weight_ih_l0.T)) + _numbers(lstm.bias_ih_l0 + lstm.bias_hh_l0)
    recurrent_weights = _numbers(lstm.weight_hh_l0.T)
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


def _embedded(model: nn.Module, ids: Expression) -> Expression:
    return P.embedding(_numbers(model.embedding.weight), ids)


def _linear(x: Expression, layer: nn.Linear) -> Expression:
    return P.matmul(x, _numbers(layer.weight.T)) + _numbers(layer.bias)


def _lengths(weights: Expression) -> Expression:
    return P.sum(weights, 1, True)


def _numbers(tensor: torch.Tensor) -> Expression:
    return P.constant(np.ascontiguousarray(tensor.detach().numpy()))
