"""Attention masks: causal, for padding, for sliding windows and for packed texts."""

from dataclasses import dataclass

import torch

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.layers.kv_cache import KVCache


@dataclass(frozen=True)
class AttentionMask:
    """An attention mask: the keys that each query may attend to.

    mask: True where a query may attend to a key, broadcastable to [B, H, S, T]; None for no mask but `causal`.
    causal: each query attends to keys up to its own position. start: keys before this column are masked for all.
    lengths: of texts packed into a single row, in ascending order; each token attends to its own text only, and `mask`
    and `bias` are those of the longest text. bias: added to the scaled scores before the softmax, broadcastable to
    [B, H, S, T], such as one for each distance (not with `causal`). owners: the row of memory from which each query row
    reads the keys of each column, [B, T], if rows share keys; see `KVCache`.
    """

    mask: Bool[Tensor, "..."] | None = None
    causal: bool = False
    start: int = 0
    lengths: tuple[int, ...] | None = None
    bias: Float[Tensor, "..."] | None = None
    owners: Int[Tensor, "B T"] | None = None

    def added(self, dtype: torch.dtype) -> Tensor | None:
        """Return mask and bias as the `attn_mask` of `F.scaled_dot_product_attention`, for queries of that dtype."""
        if self.bias is None:
            return self.mask
        bias = self.bias.to(dtype)
        return bias if self.mask is None else bias.masked_fill(~self.mask, -torch.inf)

    def of_length(self, length: int) -> "AttentionMask":
        """Return the mask of a single text of this length, from a mask of packed texts."""
        mask, bias = (None if x is None else x[..., :length, :length] for x in (self.mask, self.bias))
        return AttentionMask(mask, self.causal, bias=bias)


def padding_mask(mask: Bool[Tensor, "B T"]) -> AttentionMask:
    """Return the mask of a bidirectional encoder, or of attention to a memory: all keys but padding.

    mask: True for tokens. A text without tokens attends to all its padding, because a softmax over nothing is NaN.
    """
    return AttentionMask((mask | ~mask.any(1, keepdim=True))[:, None, None])


def packed_causal_mask(lengths: tuple[int, ...], window: int | None, device: torch.device) -> AttentionMask:
    """Return the causal mask of packed texts: a token attends to its own text only, up to itself.

    lengths: of the texts, ascending. window: only the last `window` tokens, including itself; None for all.
    """
    longest = lengths[-1] if lengths else 0
    if window is None or longest <= window:
        return AttentionMask(causal=True, lengths=lengths)
    back = torch.arange(longest, device=device)[:, None] - torch.arange(longest, device=device)
    return AttentionMask((back >= 0) & (back < window), lengths=lengths)


def causal_mask(cache: KVCache, columns: int, window: int | None, device: torch.device) -> AttentionMask:
    """Return the mask of the last `columns` of a cache: causal, and with a window only the last `window` tokens.

    A token always attends to itself, which counts in the window.
    """
    end, owners = cache.length, cache.owners
    if cache.places is not None:
        return AttentionMask(_by_place(cache, columns, window), owners=owners)
    if columns == 1:
        return AttentionMask(start=max(0, end - window) if window else 0, owners=owners)
    if columns == end and (window is None or end <= window):
        return AttentionMask(causal=True, owners=owners)
    key = torch.arange(end, device=device)
    query = key[-columns:, None]
    mask = key <= query
    return AttentionMask(mask if window is None else mask & (query - key < window), owners=owners)


def _by_place(cache: KVCache, columns: int, window: int | None) -> Bool[Tensor, "B 1 S T"]:
    places = cache.places
    assert places is not None, "all rows have the same places"
    key = torch.arange(cache.length, device=places.device)
    mask = (key <= key[-columns:, None]) & (places >= 0)[:, None, :]
    if window is not None:
        mask = mask & (places[:, -columns:, None] - places[:, None, :] < window)
    # Padding attends to itself, because a softmax over nothing is NaN; its output is never used.
    own = key == key[-columns:, None]
    return (mask | own)[:, None]
