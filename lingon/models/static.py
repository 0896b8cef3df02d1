"""Static token embeddings, independent of the context: a baseline for contextual encoders."""

from typing import Any

from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.layers.transformer import embed
from lingon.models.option_types import VocabSize, Width
from lingon.models.registry import ModelEntry


class Static(nn.Module):
    """Returns the embedding of each token. With mean pooling, it is an average of word vectors such as GloVe's."""

    def __init__(self, vocab_size: VocabSize, width: Width = 100):
        super().__init__()
        self.width = width
        self.embedding = nn.Embedding(vocab_size, width)

    def forward(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"], token_types: Int[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B T D"]:
        """Return the vector of each token; mask and token types are ignored."""
        return embed(self.embedding, ids)

    def config(self) -> dict[str, Any]:
        return {"vocab_size": self.embedding.num_embeddings, "width": self.width}


ENTRY = ModelEntry(Static)
