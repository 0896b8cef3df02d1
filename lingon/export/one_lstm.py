"""LSTMs as one operator each, so that a traced model reads texts of any length instead of unrolling a fixed length."""

import copy

import torch
from torch import nn

from lingon.core.shapes import Float, Tensor

MODE = 2  # "lstm" among the modes of the operator


class OneLSTM(nn.Module):
    """An `nn.LSTM` for prediction, with the same weights: each layer and direction is one operator.

    `torch.export` would trace into the loop of nn.LSTM over time and fix the number of steps; it keeps
    `mkldnn_rnn_layer`, which PyTorch's own LSTM calls on a CPU, as one operator.
    """

    def __init__(self, lstm: nn.LSTM):
        super().__init__()
        self.lstm = lstm

    def forward(
        self, x: Float[Tensor, "..."], state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        lstm = self.lstm
        x = x.transpose(0, 1) if lstm.batch_first else x
        first, second = state or (x.new_zeros(self._states, x.shape[1], lstm.hidden_size),) * 2
        lasts: list[Tensor] = []
        cells: list[Tensor] = []
        for weights in _weights(lstm):
            outs: list[Tensor] = []
            for reverse, own in enumerate(weights):
                i = len(lasts)
                out, last, cell = _layer(x, own, first[i : i + 1], second[i : i + 1], bool(reverse), lstm.hidden_size)
                outs, lasts, cells = [*outs, out], [*lasts, last], [*cells, cell]
            x = torch.cat(outs, -1) if len(outs) > 1 else outs[0]
        x = x.transpose(0, 1) if lstm.batch_first else x
        return x, (torch.cat(lasts), torch.cat(cells))

    @property
    def _states(self) -> int:
        return self.lstm.num_layers * (1 + self.lstm.bidirectional)


def with_one_lstms(model: nn.Module) -> nn.Module:
    """Return the model with every LSTM as one operator: a copy that shares its weights, or itself without an LSTM.

    LSTMs that the operator does not support (projections, another device, other types than float32) are unchanged.
    """
    if not any(isinstance(part, nn.LSTM) and _fits(part) for part in model.modules()):
        return model
    shared = {id(t): t for t in [*model.parameters(), *model.buffers()]}
    model = copy.deepcopy(model, shared)
    if isinstance(model, nn.LSTM):
        return OneLSTM(model)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.LSTM) and _fits(child):
                setattr(parent, name, OneLSTM(child))
    return model


def _fits(lstm: nn.LSTM) -> bool:
    weights = list(lstm.parameters())
    there = all(w.device.type == "cpu" and w.dtype == torch.float32 for w in weights)
    return there and lstm.proj_size == 0 and lstm.bias and torch.backends.mkldnn.is_available()


def _weights(lstm: nn.LSTM) -> list[list[list[Tensor]]]:
    """Return input weights, recurrent weights and both biases, for each layer and each direction in it."""
    ways = ("", "_reverse") if lstm.bidirectional else ("",)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return [[[getattr(lstm, f"{n}_l{i}{way}") for n in names] for way in ways] for i in range(lstm.num_layers)]


def _layer(x, weights, last, cell, reverse: bool, hidden: int) -> tuple[Tensor, Tensor, Tensor]:
    """Compute one direction of one layer. x: [T, B, width]."""
    # The operator cannot read backwards, and nn.LSTM returns states in forward order: so both are flipped here.
    x = x.flip(0) if reverse else x
    state = last.contiguous(), cell.contiguous()
    given = x.contiguous(), *weights, *state, False, [], MODE, hidden, 1, True, False, False, False
    out, last, cell, _ = torch.ops.aten.mkldnn_rnn_layer.default(*given)
    return (out.flip(0) if reverse else out), last, cell
