"""An encoder that tags words: a linear layer on each word's first vector, optionally with character features."""

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from torch import nn

from lingon.core.shapes import Bool, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.layers.char_cnn import CharCNN
from lingon.layers.pooling import pooling_of
from lingon.layers.tag_head import TagHead, TagScores
from lingon.models.described_encoder import described_encoder, description_of
from lingon.models.encoder_classifier import PoolingName
from lingon.models.option_types import (
    AttentionHeads,
    Classes,
    ContextLength,
    Depth,
    Fraction,
    Range,
    VocabSize,
    Width,
)
from lingon.models.registry import ModelEntry
from lingon.models.word_encoder import encode_words


class EncoderTagger(nn.Module):
    """encoder -> first piece of each word -> dropout -> linear layer (Devlin et al. 2019, section 5.3) -> maybe a CRF.

    With labels of whole sentences, such as intents, a second linear layer reads the pooled vector (Chen et al. 2019,
    "BERT for Joint Intent Classification and Slot Filling"). encoder: an `lingon.models.encoder.Encoder`. tags: K.
    labels: C, 0 for none. max_length: tokens read at once; longer sentences are read in windows. channels: filters over
    the characters of each word, concatenated to its vector (Ma and Hovy 2016), because an encoder with a lower-casing
    tokenizer does not see capitals, which indicate names; 0 for none.
    """

    def __init__(
        self,
        encoder: nn.Module,
        tags: int,
        labels: int = 0,
        crf: bool = False,
        pooling: str = "mean",
        dropout: float = 0.1,
        max_length: int = 512,
        channels: int = 0,
    ):
        super().__init__()
        self.encoder: Any = encoder
        self.pooling, self._pool = pooling, pooling_of(pooling)
        self.max_length = min(max_length, getattr(encoder, "context_length", None) or max_length)
        self.dropout = Dropout(dropout)
        self.characters = CharCNN(channels=channels, dropout=dropout) if channels else None
        self.head = TagHead(self.width + channels, tags, crf)
        self.label_output = nn.Linear(self.width, labels) if labels else None
        if self.label_output is not None:
            nn.init.normal_(self.label_output.weight, std=0.02)
            nn.init.zeros_(self.label_output.bias)

    @property
    def width(self) -> int:
        """Return D, the width of the encoder."""
        encoder: Any = self.encoder
        return encoder.width

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        mask: Bool[Tensor, "B T"],
        first: Int[Tensor, "B W"],
        words: Bool[Tensor, "B W"],
        characters: Int[Tensor, "B W L"] | None = None,
    ) -> TagScores:
        """Return the scores of tags and labels. first: the index of each word's first piece. words: True for words.

        characters: the bytes of each word, from `lingon.data.batches.WordCharacters`, if the model reads them.
        """
        vectors, hidden = encode_words(self.encoder, ids, mask, first, self.max_length)
        if self.characters is not None:
            assert characters is not None, "the characters of words are read too"
            vectors = torch.cat([vectors, self.characters(characters).to(vectors.dtype)], -1)
        tags = self.head(self.dropout(vectors))
        if self.label_output is None:
            return TagScores(tags, None)
        return TagScores(tags, self.label_output(self.dropout(self._pool(hidden, mask))))

    def config(self) -> dict[str, Any]:
        """Return what `encoder_tagger` makes it from, including the encoder's own configuration."""
        return {
            "vocab_size": self.encoder.embedding.num_embeddings,
            "tags": self.head.tags,
            "labels": 0 if self.label_output is None else self.label_output.out_features,
            "crf": self.head.crf is not None,
            "pooling": self.pooling,
            "dropout": self.dropout.p,
            "max_length": self.max_length,
            "channels": 0 if self.characters is None else self.characters.channels,
            "encoder": description_of(self.encoder),
        }


def encoder_tagger(
    vocab_size: VocabSize,
    tags: Classes,
    labels: Annotated[int, Range(0, 1 << 16)] = 0,
    width: Width = 128,
    depth: Depth = 2,
    heads: AttentionHeads = 4,
    context_length: ContextLength = 512,
    crf: bool = False,
    pooling: PoolingName = "mean",
    dropout: Fraction = 0.1,
    max_length: ContextLength = 512,
    channels: Annotated[int, Range(0, 4096)] = 0,
    encoder: Mapping | None = None,
) -> EncoderTagger:
    """Return a tagger with fresh weights on a BERT of these sizes, or on the given encoder.

    encoder: {"model": its name in the registry, "config": its own configuration}, in place of the sizes.
    """
    sizes: dict[str, Any] = {"vocab_size": vocab_size, "width": width, "depth": depth, "heads": heads}
    sizes |= {"context_length": context_length, "dropout": dropout}
    made = described_encoder("encoder_tagger", encoder, sizes)
    return EncoderTagger(made, tags, labels, crf, pooling, dropout, max_length, channels)


ENTRY = ModelEntry(encoder_tagger, defaults={"lr": 1e-3, "epochs": 10, "batch_size": 32, "weight_decay": 0.01})
