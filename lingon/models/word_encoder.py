"""Vectors of words: what an encoder gives the first piece of each word, also of sentences longer than it reads."""

from typing import Any

import torch
import torch.nn.functional as F

from lingon.core.shapes import Bool, Float, Int, Tensor


def encode_words(
    encoder: Any, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"], first: Int[Tensor, "B W"], window: int
) -> tuple[Float[Tensor, "B W D"], Float[Tensor, "B T D"]]:
    """Return the vector of each word, that of its first piece (Devlin et al. 2019, section 5.3), and those of tokens.

    ids, first: of sentences as `lingon.data.tokenizers.word_pieces` gives them with max_length `window`: longer rows
    are windows, which are encoded each by itself. Where `first` is padding, the vector is that of the first token.
    """
    hidden = encode_windows(encoder, ids, mask, window)
    return words_of(hidden, first), hidden


def words_of(hidden: Float[Tensor, "B T D"], first: Int[Tensor, "B W"]) -> Float[Tensor, "B W D"]:
    """Return the vectors at the places of words."""
    rows, tokens, _ = hidden.shape
    starts = torch.arange(rows, device=first.device)[:, None] * tokens
    return hidden.flatten(0, 1).index_select(0, (first + starts).flatten()).unflatten(0, first.shape)


def encode_windows(
    encoder: Any, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"], window: int
) -> Float[Tensor, "B T D"]:
    """Return the hidden states of rows that are windows of `window` tokens one after the other, the last shorter."""
    rows, tokens = ids.shape
    if tokens <= window:
        return encoder(ids, mask)
    missing = -tokens % window
    ids, mask = (F.pad(x, (0, missing)).view(-1, window) for x in (ids, mask))
    kept = mask.any(1)  # a window of a longer row beside a short sentence has no token
    found = encoder(ids[kept], mask[kept])
    hidden = found.new_zeros(len(ids), window, found.shape[-1])
    hidden = hidden.index_put((kept.nonzero()[:, 0],), found)
    return hidden.view(rows, tokens + missing, -1)[:, :tokens]
