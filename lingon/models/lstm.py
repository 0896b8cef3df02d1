"""A language model of stacked LSTMs."""

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.kernels.linear import OneDNNLinear
from lingon.layers.adaptive_softmax import AdaptiveSoftmax
from lingon.layers.recurrent_state import RecurrentState, group_by_length, zero_state
from lingon.models.option_types import Depth, Fraction, VocabSize, Width
from lingon.models.registry import ModelEntry


class LSTM(nn.Module):
    """Predicts each token from all previous ones: embedding, `depth` LSTMs, a linear layer to the vocabulary.

    With `tied`, the embedding is also the output matrix (Inan et al. 2017; Press and Wolf 2017), so that `hidden` must
    equal `width`. Source: Zaremba et al. 2014, "Recurrent Neural Network Regularization": dropout only between layers.
    With `cutoffs`, the output layer is an adaptive softmax.
    """

    def __init__(
        self,
        vocab_size: VocabSize,
        width: Width = 200,
        hidden: Width = 200,
        depth: Depth = 2,
        dropout: Fraction = 0.2,
        tied: bool = False,
        cutoffs: Sequence[VocabSize] = (),
    ):
        super().__init__()
        if tied and cutoffs:
            raise UserError("an adaptive softmax (cutoffs) has matrices of its own; leave out tied")
        if tied and width != hidden:
            raise UserError(f"tied weights need one width, not width {width} and hidden {hidden}")
        self.sizes: dict[str, Any] = {"vocab_size": vocab_size, "width": width, "hidden": hidden, "depth": depth}
        self.sizes |= {"dropout": dropout, "tied": tied} | ({"cutoffs": [*cutoffs]} if cutoffs else {})
        self.embedding = nn.Embedding(vocab_size, width)
        self.layers: Any = nn.ModuleList(nn.LSTM(width if i == 0 else hidden, hidden) for i in range(depth))
        self.dropout = Dropout(dropout)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        self.output: AdaptiveSoftmax | OneDNNLinear
        if cutoffs:
            self.output = AdaptiveSoftmax(hidden, vocab_size, cutoffs)
            return
        self.output = OneDNNLinear(hidden, vocab_size)
        nn.init.zeros_(self.output.bias)
        if tied:
            self.output.weight = self.embedding.weight
        else:
            nn.init.uniform_(self.output.weight, -0.1, 0.1)

    def forward(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        """Return the logits of the token that follows each token."""
        return self.head(self.hidden(ids)[0])

    def hidden(
        self, ids: Int[Tensor, "B T"], state: RecurrentState | None = None, mask: Bool[Tensor, "B T"] | None = None
    ) -> tuple[Float[Tensor, "B T H"], RecurrentState]:
        """Return the states of the top layer, and the new state. mask: False where a row is padded on the left."""
        if mask is not None and not bool(mask.all()):
            return hidden_without_padding(self.hidden, ids, state, mask)
        state = state or self.new_state(len(ids))
        x, after = self.dropout(F.embedding(ids.T, self.embedding.weight)), []
        for lstm, (h, c) in zip(self.layers, state.layers, strict=True):
            x, (h, c) = lstm(x, (h[None], c[None]))
            x = self.dropout(x)
            after.append((h[0], c[0]))
        return x.transpose(0, 1), RecurrentState(tuple(after), state.length + ids.shape[1])

    def head(self, hidden: Float[Tensor, "... H"]) -> Float[Tensor, "... V"]:
        """Return the logits from states of the top layer."""
        return self.output(hidden)

    def new_state(self, batch: int, context_length: int | None = None) -> RecurrentState:
        """Return the state before the first token. A recurrent state has one size for any context length."""
        return zero_state(batch, [lstm.hidden_size for lstm in self.layers], self.embedding.weight)

    def config(self) -> dict:
        return self.sizes


def hidden_without_padding(hidden, ids: Int[Tensor, "B T"], state: RecurrentState | None, mask: Bool[Tensor, "B T"]):
    """Return `hidden` of a left-padded batch, computed without padding for rows of equal length; zeros at padding."""
    parts, out = [], None
    for rows, n in group_by_length(mask):
        found, after = hidden(ids[rows, -n:], state and state.select(rows))
        out = found.new_zeros(*ids.shape, found.shape[-1]) if out is None else out
        out = out.index_copy(0, rows, F.pad(found, (0, 0, ids.shape[1] - n, 0)))
        parts.append((rows, after))
    return out, RecurrentState.scatter(parts, len(ids))


# Tuned on the validation text; see docs/log.md for what was tried.
ENTRY = ModelEntry(
    LSTM,
    defaults={
        "epochs": 6,
        "lr": 3e-3,
        "dropout": 0.3,
        "width": 256,
        "depth": 2,
        "context_length": 35,
        "batch_size": 32,
    },
    derive=lambda facts, options: {"hidden": options["width"], "tied": "cutoffs" not in options},
    recurrent=True,
)
