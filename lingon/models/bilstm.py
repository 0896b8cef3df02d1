"""A bidirectional LSTM that classifies a text by the last state of each direction."""

from typing import Any

from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.layers.embedding import Embedding
from lingon.layers.recurrent import BidirectionalLayers
from lingon.models.option_types import Classes, Depth, Fraction, PaddingIdx, VocabSize, Width
from lingon.models.registry import Expression, ModelEntry


class BiLSTM(nn.Module):
    """Reads the text forwards and backwards; a linear layer reads the last states (before padding) of both.

    Source: Graves and Schmidhuber 2005, "Framewise phoneme classification with bidirectional LSTM".
    """

    def __init__(
        self,
        vocab_size: VocabSize,
        classes: Classes,
        width: Width = 100,
        hidden: Width = 100,
        depth: Depth = 1,
        dropout: Fraction = 0.5,
        padding_idx: PaddingIdx = 0,
    ):
        super().__init__()
        self.sizes: dict[str, Any] = {"vocab_size": vocab_size, "classes": classes, "width": width, "hidden": hidden}
        self.sizes |= {"depth": depth, "dropout": dropout}
        self.sizes["padding_idx"] = padding_idx
        self.embedding = Embedding(vocab_size, width, padding_idx=padding_idx)
        self.lstm = BidirectionalLayers(width, hidden, depth, dropout)
        self.dropout = Dropout(dropout)
        self.out = nn.Linear(2 * hidden, classes)

    def forward(self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B C"]:
        _, ends = self.lstm(self.dropout(self.embedding(ids)), mask)
        return self.out(self.dropout(ends))

    def config(self) -> dict:
        return self.sizes


def program(model: BiLSTM, ids: Expression, mask: Expression) -> Expression:
    """Return the logits as an expression of `lingon.program`."""
    from lingon.layers import expressions as E

    _, ends = E.bilstm(model.lstm, E.embedded(model.embedding.weight, ids), mask)
    return E.linear(ends, model.out)


# Chosen on the validation texts of film reviews; see docs/log.md for what was tried.
ENTRY = ModelEntry(
    BiLSTM,
    program=program,
    defaults={
        "max_tokens_per_batch": 16_384,
        "batch_size": 64,
        "vocab": 30_000,
        "max_length": 400,
        "epochs": 3,
        "lr": 4e-3,
        "dropout": 0.5,
        "width": 100,
        "max_grad_norm": 1.0,
    },
)
