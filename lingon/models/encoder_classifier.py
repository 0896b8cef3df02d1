"""An encoder that classifies texts or pairs of texts: a linear layer on its pooled vector."""

from collections.abc import Mapping
from typing import Any, Literal

from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.layers.pooling import pooling_of
from lingon.models.described_encoder import described_encoder, description_of
from lingon.models.option_types import AttentionHeads, Classes, ContextLength, Depth, Fraction, VocabSize, Width
from lingon.models.registry import ModelEntry

PoolingName = Literal["mean", "cls", "max"]


class EncoderClassifier(nn.Module):
    """encoder -> pooling -> dropout -> linear layer (Devlin et al. 2019, section 4.1, without their extra tanh layer).

    encoder: a `lingon.models.encoder.Encoder`, with fresh or published weights. pooling: mean, cls or max.
    dropout: of the pooled vector.
    """

    def __init__(self, encoder: nn.Module, classes: int, pooling: str = "mean", dropout: float = 0.1):
        super().__init__()
        self.encoder: Any = encoder
        self.pooling, self._pool = pooling, pooling_of(pooling)
        self.dropout = Dropout(dropout)
        self.output = nn.Linear(self.width, classes)
        nn.init.normal_(self.output.weight, std=0.02)
        nn.init.zeros_(self.output.bias)

    @property
    def width(self) -> int:
        """Return D, the width of the encoder."""
        encoder: Any = self.encoder
        return encoder.width

    @property
    def context_length(self) -> int | None:
        """Return the maximum number of tokens that the encoder reads; None if unlimited."""
        return getattr(self.encoder, "context_length", None)

    def forward(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"], token_types: Int[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B C"]:
        """Return the logits. token_types: 0 for the first text of a pair, 1 for the second."""
        return self.output(self.dropout(self.vectors(ids, mask, token_types)))

    def vectors(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"], token_types: Int[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B D"]:
        """Return the pooled vectors, which the head reads."""
        return self._pool(self.encoder(ids, mask, token_types), mask)

    def config(self) -> dict[str, Any]:
        """Return what `encoder_classifier` makes it from, including the encoder's own configuration."""
        return {
            "vocab_size": self.encoder.embedding.num_embeddings,
            "classes": self.output.out_features,
            "pooling": self.pooling,
            "dropout": self.dropout.p,
            "encoder": description_of(self.encoder),
        }


def encoder_classifier(
    vocab_size: VocabSize,
    classes: Classes,
    width: Width = 128,
    depth: Depth = 2,
    heads: AttentionHeads = 4,
    context_length: ContextLength = 512,
    pooling: PoolingName = "mean",
    dropout: Fraction = 0.1,
    encoder: Mapping | None = None,
) -> EncoderClassifier:
    """Return a classifier with fresh weights on a BERT of these sizes, or on the given encoder.

    encoder: {"model": its name in the registry, "config": its own configuration}, in place of the sizes.
    """
    sizes: dict[str, Any] = {"vocab_size": vocab_size, "width": width, "depth": depth, "heads": heads}
    sizes |= {"context_length": context_length, "dropout": dropout}
    return EncoderClassifier(described_encoder("encoder", encoder, sizes), classes, pooling, dropout)


ENTRY = ModelEntry(encoder_classifier, defaults={"lr": 1e-4, "epochs": 3, "batch_size": 32, "weight_decay": 0.01})
