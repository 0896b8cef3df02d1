"""An encoder for extractive question answering: for each token, whether the answer starts or ends there."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.models.described_encoder import described_encoder, description_of
from lingon.models.option_types import AttentionHeads, ContextLength, Depth, Fraction, VocabSize, Width
from lingon.models.registry import ModelEntry


class EncoderAnswerer(nn.Module):
    """encoder -> dropout -> linear layer with two outputs for each token (Devlin et al. 2019, section 4.2).

    encoder: a `lingon.models.encoder.Encoder`, with fresh or published weights.
    """

    def __init__(self, encoder: nn.Module, dropout: float = 0.1):
        super().__init__()
        self.encoder: Any = encoder
        self.dropout = Dropout(dropout)
        self.output = nn.Linear(self.width, 2)
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
    ) -> Float[Tensor, "B T 2"]:
        """Return the logits of the first and of the last token of the answer.

        ids: a question and its passage as one row. token_types: 0 for the question, 1 for the passage.
        """
        return self.output(self.dropout(self.encoder(ids, mask, token_types)))

    def config(self) -> dict[str, Any]:
        """Return what `encoder_answerer` makes it from, including the encoder's own configuration."""
        return {
            "vocab_size": self.encoder.embedding.num_embeddings,
            "dropout": self.dropout.p,
            "encoder": description_of(self.encoder),
        }


def encoder_answerer(
    vocab_size: VocabSize,
    width: Width = 128,
    depth: Depth = 2,
    heads: AttentionHeads = 4,
    context_length: ContextLength = 512,
    dropout: Fraction = 0.1,
    encoder: Mapping | None = None,
) -> EncoderAnswerer:
    """Return an answerer with fresh weights on a BERT of these sizes, or on the given encoder.

    encoder: {"model": its name in the registry, "config": its own configuration}, in place of the sizes.
    """
    sizes: dict[str, Any] = {"vocab_size": vocab_size, "width": width, "depth": depth, "heads": heads}
    sizes |= {"context_length": context_length, "dropout": dropout}
    return EncoderAnswerer(described_encoder("encoder_answerer", encoder, sizes), dropout)


ENTRY = ModelEntry(encoder_answerer, defaults={"lr": 1e-4, "epochs": 3, "weight_decay": 0.01})
