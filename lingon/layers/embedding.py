"""Token embeddings, zero for padding, and loading of pretrained vectors by token."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int, Tensor


class Embedding(nn.Module):
    """A table of `vocab_size` vectors of `width` dimensions. The row of padding is zero and not trained.

    padding_idx: the id of padding, from the tokenizer; None or -1 for none. Raises UserError for an id outside the
    vocabulary.
    """

    def __init__(self, vocab_size: int, width: int, std: float = 0.1, padding_idx: int | None = 0):
        super().__init__()
        self.padding_idx = None if padding_idx == -1 else padding_idx
        if self.padding_idx is not None and not 0 <= self.padding_idx < vocab_size:
            raise UserError(
                f"padding_idx is {padding_idx}, expected an id from 0 to {vocab_size - 1:,}, or -1 for none"
            )
        self.weight = nn.Parameter(torch.empty(vocab_size, width).normal_(std=std))
        if self.padding_idx is not None:
            with torch.no_grad():
                self.weight[self.padding_idx] = 0

    def forward(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T D"]:
        return F.embedding(ids, self.weight, padding_idx=self.padding_idx)


def load_pretrained(
    embedding: Embedding,
    vocab: Sequence[str],
    tokens: Sequence[str],
    table: np.ndarray,
    freeze: bool = False,
    counts: Mapping[str, int] | None = None,
) -> float:
    """Copy pretrained vectors into the rows of their tokens; the other rows stay random. Return the coverage.

    vocab: the token of each row. tokens, table: the pretrained words and their vectors [len(tokens), D].
    freeze: do not train the embedding. The coverage is the fraction of the vocabulary with a vector, or with `counts`,
    the number of occurrences of each token, the fraction of the text.
    Raises UserError when the widths differ, or vocabulary or vectors do not fit their tokens.
    """
    if len(vocab) != len(embedding.weight) or len(tokens) != len(table):
        raise UserError(
            f"{len(vocab):,} tokens for an embedding of {len(embedding.weight):,} rows, "
            f"{len(tokens):,} words for {len(table):,} vectors; both must be the same"
        )
    if table.shape[1] != embedding.weight.shape[1]:
        raise UserError(
            f"the vectors have width {table.shape[1]}, the embedding {embedding.weight.shape[1]}; "
            f"set --width {table.shape[1]}"
        )
    place = {token: i for i, token in enumerate(tokens)}
    rows = [(row, place[token]) for row, token in enumerate(vocab) if token in place and row != embedding.padding_idx]
    if rows:
        own, theirs = zip(*rows, strict=True)
        with torch.no_grad():
            embedding.weight[list(own)] = torch.from_numpy(np.asarray(table[list(theirs)])).to(embedding.weight)
    embedding.weight.requires_grad_(not freeze)
    if counts is None:
        return len(rows) / len(vocab)
    return sum(counts.get(vocab[row], 0) for row, _ in rows) / max(1, sum(counts.values()))
