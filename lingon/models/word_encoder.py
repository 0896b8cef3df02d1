"""Word vectors from an encoder, those of the first piece of each word, also for sentences longer than its context."""

from typing import Any

import torch
import torch.nn.functional as F

from lingon.core.shapes import Bool, Float, Int, Tensor


def encode_words(
    encoder: Any, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"], first: Int[Tensor, "B W"], window: int
) -> tuple[Float[Tensor, "B W D"], Float[Tensor, "B T D"]]:
    """Return the vector of each word, that of its first piece (Devlin et al. 2019, section 5.3), and those of tokens.

    ids, first: of sentences, from `lingon.data.tokenizers.word_pieces` with max_length `window`: longer rows consist of
    windows, which are encoded separately. Where `first` is padding, the vector is that of the first token.
    """
    hidden = encode_windows(encoder, ids, mask, window)
    return words_of(hidden, first), hidden


def words_of(hidden: Float[Tensor, "B T D"], first: Int[Tensor, "B W"]) -> Float[Tensor, "B W D"]:
    """Return the vectors at the positions of words."""
    rows, tokens, _ = hidden.shape
    starts = torch.arange(rows, device=first.device)[:, None] * tokens
    return hidden.flatten(0, 1).index_select(0, (first + starts).flatten()).unflatten(0, first.shape)


def encode_windows(
    encoder: Any, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"], window: int
) -> Float[Tensor, "B T D"]:
    """Return the hidden states of rows that consist of consecutive windows of `window` tokens; the last is shorter."""
    rows, tokens = ids.shape
    if tokens <= window:
        return encoder(ids, mask)
    missing = -tokens % window
    ids, mask = (F.pad(x, (0, missing)).view(-1, window) for x in (ids, mask))
    kept = mask.any(1)  # windows of padding, in short sentences beside a longer row, are skipped
    found = encoder(ids[kept], mask[kept])
    hidden = found.new_zeros(len(ids), window, found.shape[-1])
    hidden = hidden.index_put((kept.nonzero()[:, 0],), found)
    return hidden.view(rows, tokens + missing, -1)[:, :tokens]
