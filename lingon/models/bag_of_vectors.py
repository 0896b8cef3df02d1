"""A bag-of-vectors classifier: the mean of the word vectors of a text, then a linear layer."""

from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.layers.embedding import Embedding
from lingon.layers.pooling import mean_over_time
from lingon.models.option_types import Classes, Fraction, PaddingIdx, VocabSize, Width
from lingon.models.registry import Expression, ModelEntry


class BagOfVectors(nn.Module):
    """logits = W mean(E[ids]) + b, with the mean over tokens that are not padding.

    Source: Iyyer et al. 2015, "Deep Unordered Composition Rivals Syntactic Methods for Text Classification", without
    its hidden layers. word_dropout, also from there: fraction of words left out in training.
    """

    def __init__(
        self,
        vocab_size: VocabSize,
        classes: Classes,
        width: Width = 100,
        dropout: Fraction = 0.5,
        word_dropout: Fraction = 0.3,
        padding_idx: PaddingIdx = 0,
    ):
        super().__init__()
        self.sizes = {"vocab_size": vocab_size, "classes": classes, "width": width}
        self.drops = {"dropout": dropout, "word_dropout": word_dropout}
        self.sizes["padding_idx"] = padding_idx
        self.embedding = Embedding(vocab_size, width, padding_idx=padding_idx)
        self.dropout = Dropout(dropout)
        self.word_dropout = Dropout(word_dropout)
        self.out = nn.Linear(width, classes)

    def forward(self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B C"]:
        kept = mask
        if self.training:
            kept = self.word_dropout(mask.float()) > 0
        return self.out(self.dropout(mean_over_time(self.embedding(ids), kept)))

    def config(self) -> dict:
        return self.sizes | self.drops


def program(model: BagOfVectors, ids: Expression, mask: Expression) -> Expression:
    """Return the logits as an expression of `lingon.program`."""
    from lingon import program as P
    from lingon.layers import expressions as E

    weights = mask.astype("float32")
    total = P.sum(E.embedded(model.embedding.weight, ids) * P.expand_dims(weights, -1), 1)
    return E.linear(total / P.maximum(E.lengths(weights), 1.0), model.out)


# Chosen on the validation texts of film reviews; see docs/log.md for what was tried.
ENTRY = ModelEntry(
    BagOfVectors,
    program=program,
    defaults={
        "max_tokens_per_batch": 16_384,
        "batch_size": 64,
        "vocab": 30_000,
        "max_length": 500,
        "epochs": 5,
        "lr": 3e-3,
        "dropout": 0.5,
        "width": 100,
    },
)
