"""Which keys a query may attend to: those before it, none that is padding, none too far back."""

from dataclasses import dataclass

import torch

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.layers.kv_cache import KVCache


@dataclass(frozen=True)
class AttentionMask:
    """Mask of attention: the keys that each query may see.

    mask: True where a query may see a key, broadcastable to [B, H, S, T]; None when there is nothing to hide but the
    future. causal: each query sees the keys up to its own. start: keys before this column are seen by no query.
    lengths: of texts that lie one after the other in a single row, in ascending order; each token sees its own text
    alone, and `mask` and `bias` are those of the longest text. bias: what is added to the scaled scores before the
    softmax, broadcastable to [B, H, S, T], such as one for each distance (not with `causal`). owners: the row of the
    keys that each query row attends to in each column, [B, T], where rows share keys; see `KVCache`.
    """

    mask: Bool[Tensor, "..."] | None = None
    causal: bool = False
    start: int = 0
    lengths: tuple[int, ...] | None = None
    bias: Float[Tensor, "..."] | None = None
    owners: Int[Tensor, "B T"] | None = None

    def added(self, dtype: torch.dtype) -> Tensor | None:
        """Return mask and bias as one: what `F.scaled_dot_product_attention` takes for queries of that type."""
        if self.bias is None:
            return self.mask
        bias = self.bias.to(dtype)
        return bias if self.mask is None else bias.masked_fill(~self.mask, -torch.inf)

    def of_length(self, length: int) -> "AttentionMask":
        """Return what the tokens of one text see, of a mask for texts that lie one after the other."""
        mask, bias = (None if x is None else x[..., :length, :length] for x in (self.mask, self.bias))
        return AttentionMask(mask, self.causal, bias=bias)


def padding_mask(mask: Bool[Tensor, "B T"]) -> AttentionMask:
    """Return the mask of a bidirectional encoder, or of attention to a memory: every query sees all that is no padding.

    mask: True where there is a token. A text without any sees all its padding, for a softmax over nothing is no number.
    """
    return AttentionMask((mask | ~mask.any(1, keepdim=True))[:, None, None])


def packed_causal_mask(lengths: tuple[int, ...], window: int | None, device: torch.device) -> AttentionMask:
    """Return the mask of texts that lie one after the other: a token sees its own text alone, up to itself.

    lengths: of the texts, ascending. window: it sees only the last `window` tokens, itself among them; None is all.
    """
    longest = lengths[-1] if lengths else 0
    if window is None or longest <= window:
        return AttentionMask(causal=True, lengths=lengths)
    back = torch.arange(longest, device=device)[:, None] - torch.arange(longest, device=device)
    return AttentionMask((back >= 0) & (back < window), lengths=lengths)


def causal_mask(cache: KVCache, columns: int, window: int | None, device: torch.device) -> AttentionMask:
    """Return what the last `columns` of a cache see: what came before, with a window only the last `window` tokens.

    A token always sees itself, and it counts in the window.
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
    # Padding sees itself, for a softmax over nothing is no number; what it makes is seen by nobody.
    own = key == key[-columns:, None]
    return (mask | own)[:, None]
