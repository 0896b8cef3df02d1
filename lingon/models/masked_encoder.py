"""An encoder with BERT's head for masked language modelling, which predicts masked tokens."""

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.linear import OneDNNLinear
from lingon.models.described_encoder import described_encoder, description_of
from lingon.models.option_types import AttentionHeads, ContextLength, Depth, Fraction, VocabSize, Width
from lingon.models.registry import ModelEntry


class MaskedEncoder(nn.Module):
    """encoder -> linear, GELU, norm -> the embedding's matrix and a bias (Devlin et al. 2019, section 3.1, their code).

    encoder: a `lingon.models.encoder.Encoder` with token embeddings in `embedding`.
    """

    def __init__(self, encoder: Any):
        super().__init__()
        self.encoder: Any = encoder
        vocab_size, inner = encoder.embedding.weight.shape
        self.transform = OneDNNLinear(encoder.width, inner)
        self.norm = nn.LayerNorm(inner, eps=1e-12)
        self.bias = nn.Parameter(encoder.embedding.weight.new_zeros(vocab_size))
        nn.init.normal_(self.transform.weight, std=0.02)
        nn.init.zeros_(self.transform.bias)

    @property
    def context_length(self) -> int:
        """Return the maximum number of tokens that the encoder reads."""
        return self.encoder.context_length

    def forward(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"], token_types: Int[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B T V"]:
        """Return the logits of the token at each position."""
        return F.linear(self.states(self.encoder(ids, mask, token_types)), self.encoder.embedding.weight, self.bias)

    def states(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "... E"]:
        """Return the transformed hidden states, to be multiplied by the embedding matrix."""
        return self.norm(F.gelu(self.transform(hidden)))

    def config(self) -> dict[str, Any]:
        """Return the options of `masked_encoder`, including the encoder's own configuration."""
        encoder = description_of(self.encoder)
        return {"vocab_size": len(self.bias), "encoder": encoder}


def masked_encoder(
    vocab_size: VocabSize,
    width: Width = 128,
    depth: Depth = 2,
    heads: AttentionHeads = 4,
    context_length: ContextLength = 512,
    dropout: Fraction = 0.1,
    encoder: Mapping | None = None,
) -> MaskedEncoder:
    """Return a model with fresh weights on a BERT of these sizes, or on the given encoder.

    encoder: {"model": its name in the registry, "config": its own configuration}, in place of the sizes.
    """
    sizes: dict[str, Any] = {"vocab_size": vocab_size, "width": width, "depth": depth, "heads": heads}
    made = described_encoder("masked_encoder", encoder, sizes | {"context_length": context_length, "dropout": dropout})
    if not isinstance(getattr(made, "embedding", None), nn.Embedding):
        raise UserError("masked_encoder: the model of key 'encoder' is not an encoder with a token embedding")
    return MaskedEncoder(made)


ENTRY = ModelEntry(masked_encoder)
