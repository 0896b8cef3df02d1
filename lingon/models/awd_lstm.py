"""The AWD-LSTM: an LSTM language model with dropout of weights, words, inputs, hidden states and outputs."""

from itertools import pairwise
from typing import Any

import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.linear import OneDNNLinear
from lingon.layers.dropout import LockedDropout, embedding_dropout, weight_dropped_lstm
from lingon.layers.recurrent_state import RecurrentState, zero_state
from lingon.models.lstm import hidden_without_padding
from lingon.models.option_types import Depth, Fraction, NonNegative, VocabSize, Width
from lingon.models.registry import ModelEntry


class AWDLSTM(nn.Module):
    """LSTMs with tied embeddings, several kinds of dropout, and a penalty on large and on rapidly changing states.

    word_dropout: of whole words of the embedding. input_dropout: of the input of the first layer. hidden_dropout:
    between layers. output_dropout: of the last layer's output. weight_dropout: of hidden-to-hidden weights. In
    training, `penalty()` is alpha * mean(dropped states^2) + beta * mean((states_t - states_{t-1})^2), "AR" and "TAR".

    Source: Merity et al. 2018, "Regularizing and Optimizing LSTM Language Models", sections 2, 4.3 and 4.5. There, it
    is trained by SGD with `lingon.engine.average.NTASGD`; here any optimizer can be used.
    """

    def __init__(
        self,
        vocab_size: VocabSize,
        width: Width = 400,
        hidden: Width = 1150,
        depth: Depth = 3,
        word_dropout: Fraction = 0.1,
        input_dropout: Fraction = 0.4,
        hidden_dropout: Fraction = 0.25,
        output_dropout: Fraction = 0.4,
        weight_dropout: Fraction = 0.5,
        alpha: NonNegative = 2.0,
        beta: NonNegative = 1.0,
    ):
        super().__init__()
        self.sizes: dict[str, Any] = {"vocab_size": vocab_size, "width": width, "hidden": hidden, "depth": depth}
        self.sizes |= {"word_dropout": word_dropout, "input_dropout": input_dropout, "hidden_dropout": hidden_dropout}
        self.sizes |= {"output_dropout": output_dropout, "weight_dropout": weight_dropout, "alpha": alpha, "beta": beta}
        self.embedding = nn.Embedding(vocab_size, width)
        widths = [width] + [hidden] * (depth - 1) + [width]
        self.layers: Any = nn.ModuleList(nn.LSTM(a, b) for a, b in pairwise(widths))
        fractions = [input_dropout] + [hidden_dropout] * (depth - 1) + [output_dropout]
        self.drops = nn.ModuleList(LockedDropout(p) for p in fractions)
        self.output = OneDNNLinear(width, vocab_size)
        self.output.weight = self.embedding.weight
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        nn.init.zeros_(self.output.bias)
        self._penalty: Tensor | None = None

    def forward(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        """Return the logits of the token that follows each token."""
        return self.head(self.hidden(ids)[0])

    def hidden(
        self, ids: Int[Tensor, "B T"], state: RecurrentState | None = None, mask: Bool[Tensor, "B T"] | None = None
    ) -> tuple[Float[Tensor, "B T D"], RecurrentState]:
        """Return the states of the top layer, and the new state. mask: False where a row is padded on the left."""
        if mask is not None and not bool(mask.all()):
            return hidden_without_padding(self.hidden, ids, state, mask)
        state, after = state or self.new_state(len(ids)), []
        x = F.embedding(ids.T, embedding_dropout(self.embedding.weight, self.sizes["word_dropout"], self.training))
        x = raw = self.drops[0](x)
        for lstm, drop, (h, c) in zip(self.layers, self.drops[1:], state.layers, strict=True):
            raw, (h, c) = weight_dropped_lstm(lstm, x, (h[None], c[None]), self.sizes["weight_dropout"])
            x = drop(raw)
            after.append((h[0], c[0]))
        if self.training:
            self._penalty = self.sizes["alpha"] * x.square().mean()
            if len(raw) > 1:
                self._penalty = self._penalty + self.sizes["beta"] * raw.diff(dim=0).square().mean()
        return x.transpose(0, 1), RecurrentState(tuple(after), state.length + ids.shape[1])

    def penalty(self) -> Float[Tensor, ""] | float:
        """Return the penalty of the last training batch, once; 0 if there was none."""
        penalty, self._penalty = self._penalty, None
        return 0.0 if penalty is None else penalty

    def head(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "... V"]:
        """Return the logits from states of the top layer."""
        return self.output(hidden)

    def new_state(self, batch: int, context_length: int | None = None) -> RecurrentState:
        """Return the state before the first token. A recurrent state has one size for any context length."""
        return zero_state(batch, [lstm.hidden_size for lstm in self.layers], self.embedding.weight)

    def config(self) -> dict:
        return self.sizes


# Tuned on the validation text; see docs/log.md for what was tried.
ENTRY = ModelEntry(
    AWDLSTM,
    defaults={"epochs": 6, "lr": 3e-3, "width": 256, "depth": 3, "context_length": 35, "batch_size": 32},
    derive=lambda facts, options: {"hidden": 2 * options["width"]},
    recurrent=True,
    instead={
        "dropout": "it drops in five places, set by --set word_dropout=, input_dropout=, hidden_dropout=, "
        "output_dropout= or weight_dropout="
    },
)
