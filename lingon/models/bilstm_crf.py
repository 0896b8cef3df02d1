"""A word tagger: a bidirectional LSTM over word and character vectors, with a CRF."""

from typing import Annotated, Any

import torch
from torch import nn

from lingon.core.shapes import Bool, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.layers.char_cnn import CharCNN
from lingon.layers.embedding import Embedding
from lingon.layers.recurrent import BidirectionalLayers
from lingon.layers.tag_head import TagHead, TagScores
from lingon.models.option_types import Classes, Depth, Fraction, PaddingIdx, Range, VocabSize, Width
from lingon.models.registry import ModelEntry
from lingon.models.word_encoder import words_of


class BiLSTMCRF(nn.Module):
    """Vectors of words and of their characters -> dropout -> LSTM in both directions -> dropout -> linear layer -> CRF.

    Source: Ma and Hovy 2016, "End-to-end Sequence Labeling via Bi-directional LSTM-CNNs-CRF". tags: K. labels: C, of
    whole sentences, predicted from the last states of both directions; 0 for none. hidden: units per direction.
    char_width, channels: of character vectors and of their filters; 0 channels: words only. word_dropout: fraction of
    words replaced by unknown in training, so that the vector of unknown words and the characters are trained.
    """

    def __init__(
        self,
        vocab_size: VocabSize,
        tags: Classes,
        labels: Annotated[int, Range(0, 1 << 16)] = 0,
        width: Width = 100,
        hidden: Width = 256,
        depth: Depth = 1,
        char_width: Width = 30,
        channels: Annotated[int, Range(0, 4096)] = 128,
        crf: bool = True,
        dropout: Fraction = 0.33,
        word_dropout: Fraction = 0.05,
        padding_idx: PaddingIdx = 0,
        unknown_idx: PaddingIdx = 1,
    ):
        super().__init__()
        self.sizes: dict[str, Any] = {"vocab_size": vocab_size, "tags": tags, "labels": labels, "width": width}
        self.sizes |= {"hidden": hidden, "depth": depth, "char_width": char_width, "channels": channels, "crf": crf}
        self.sizes |= {"dropout": dropout, "word_dropout": word_dropout}
        self.sizes |= {"padding_idx": padding_idx, "unknown_idx": unknown_idx}
        self.embedding = Embedding(vocab_size, width, padding_idx=padding_idx)
        self.characters = CharCNN(char_width, channels, dropout=dropout) if channels else None
        self.dropout = Dropout(dropout)
        self.lstm = BidirectionalLayers(width + channels, hidden, depth, dropout)
        self.head = TagHead(2 * hidden, tags, crf)
        self.label_output = nn.Linear(2 * hidden, labels) if labels else None

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        mask: Bool[Tensor, "B T"],
        first: Int[Tensor, "B W"],
        words: Bool[Tensor, "B W"],
        characters: Int[Tensor, "B W L"] | None = None,
    ) -> TagScores:
        """Return the scores of tags and labels. first: the index of each word's token. words: True for words.

        characters: the bytes of each word, from `lingon.data.batches.WordCharacters`.
        """
        x = words_of(self.embedding(self._some_unknown(ids)), first) * words[..., None]
        if self.characters is not None:
            assert characters is not None, "the characters of words are read too"
            x = torch.cat([x, self.characters(characters)], -1)
        states, ends = self.lstm(self.dropout(x), words)
        labels = None if self.label_output is None else self.label_output(self.dropout(ends))
        return TagScores(self.head(self.dropout(states)), labels)

    def _some_unknown(self, ids: Int[Tensor, "B T"]) -> Int[Tensor, "B T"]:
        share, unknown = self.sizes["word_dropout"], self.sizes["unknown_idx"]
        if not self.training or not share or unknown < 0:
            return ids
        return ids.masked_fill(torch.rand(ids.shape, device=ids.device) < share, unknown)

    def config(self) -> dict[str, Any]:
        return self.sizes


# Larger than in the paper, with less dropout and another optimizer; see docs/log.md for what was tried.
ENTRY = ModelEntry(
    BiLSTMCRF,
    defaults={
        "lr": 2e-3,
        "epochs": 20,
        "batch_size": 32,
        "max_tokens_per_batch": 8_192,
        "vocab": 50_000,
        "dropout": 0.33,
        "max_grad_norm": 5.0,
        "head_lr": None,
        "crf": True,
    },
)
