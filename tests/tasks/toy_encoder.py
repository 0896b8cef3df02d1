"""A model of a third party in one file: the mean of the vectors of a text."""

from typing import Any

import torch
from torch import nn

from lingon.models.option_types import VocabSize, Width
from lingon.models.registry import ModelEntry


class ToyEncoder(nn.Module):
    """ids [B, T], 0 where nothing is, to vectors [B, D]."""

    def __init__(self, vocab_size: VocabSize, width: Width = 5):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, width)

    def config(self) -> dict[str, Any]:
        return {"vocab_size": self.embedding.num_embeddings, "width": self.embedding.embedding_dim}

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        mask = (ids != 0).float()
        return torch.einsum("btd,bt->bd", self.embedding(ids), mask) / mask.sum(1, keepdim=True).clamp(min=1)


ENTRY = ModelEntry(ToyEncoder)
