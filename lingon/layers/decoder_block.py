"""The block of an encoder-decoder's decoder: self-attention, cross-attention, and a feed-forward layer."""

from collections.abc import Iterable

import torch
from torch import nn

from lingon.core.shapes import Bool, Float, Tensor
from lingon.layers.attention import Attention, LayerCache
from lingon.layers.attention_mask import AttentionMask, causal_mask
from lingon.layers.cross_attention import CrossAttention
from lingon.layers.cross_attention_cache import CrossAttentionCache, LayerMemory, new_cross_attention_cache
from lingon.layers.kv_cache import empty_cache
from lingon.layers.residual import Residual
from lingon.layers.transformer import CacheWriter


class DecoderBlock(nn.Module):
    """Three layers, each in a residual connection that determines the position of its norm (Vaswani et al. 2017, 3.1).

    residuals: around self-attention, cross-attention, and the feed-forward layer.
    """

    def __init__(
        self,
        attention: Attention,
        cross_attention: CrossAttention,
        feed_forward: nn.Module,
        residuals: tuple[Residual, Residual, Residual],
    ):
        super().__init__()
        self.around_attention, self.around_cross_attention, self.around_feed_forward = residuals
        self.attention, self.cross_attention, self.feed_forward = attention, cross_attention, feed_forward

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        mask: AttentionMask | None,
        memory: LayerMemory,
        *,
        cache: LayerCache | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Return the output of the block for the target. mask: of the self-attention."""
        x = self.around_attention(x, lambda y: self.attention(y, mask, cache=cache))
        x = self.around_cross_attention(x, lambda y: self.cross_attention(y, memory))
        return self.around_feed_forward(x, self.feed_forward)


def new_decoder_state(
    blocks: Iterable[DecoderBlock], memory: Float[Tensor, "B S D"], mask: Bool[Tensor, "B S"], context_length: int
) -> CrossAttentionCache:
    """Return the state before the first token, with the keys and values of the memory in each block."""
    layers = [block.cross_attention.keys_values(memory) for block in blocks]
    return new_cross_attention_cache(layers, mask, empty_cache(len(layers), context_length))


def teach_decoder_blocks(
    blocks: Iterable[DecoderBlock],
    x: Float[Tensor, "B T D"],
    mask: AttentionMask,
    memory: Float[Tensor, "B S D"],
    seen: AttentionMask | None,
) -> Float[Tensor, "B T D"]:
    """Return x of whole targets after all blocks, without a state. mask: of the targets. seen: mask of the memory."""
    for block in blocks:
        keys, values = block.cross_attention.keys_values(memory)
        x = block(x, mask, LayerMemory(keys, values, seen))
    return x


def run_decoder_blocks(
    blocks: Iterable[DecoderBlock],
    x: Float[Tensor, "B T D"],
    state: CrossAttentionCache,
    bias: Tensor | None = None,
) -> Float[Tensor, "B T D"]:
    """Return x after all blocks, which write to the state.

    state: already advanced by the T columns of x. bias: added to the scores of self-attention, broadcastable to
    [B, H, T, columns], such as one for each distance.
    """
    mask = causal_mask(state.own, x.shape[1], None, x.device)
    if bias is not None:
        mask = _with_bias(mask, bias, x.shape[1], state.length)
    for layer, block in enumerate(blocks):
        x = block(x, mask, state.layer(layer), cache=CacheWriter(state.own, layer))
    return x


def _with_bias(mask: AttentionMask, bias: Tensor, columns: int, length: int) -> AttentionMask:
    """Return a mask with a bias; `causal` cannot be combined with a bias, so it is converted to a mask."""
    seen = mask.mask
    if mask.causal:
        seen = torch.ones(columns, length, dtype=torch.bool, device=bias.device).tril(length - columns)
    return AttentionMask(seen, bias=bias, owners=mask.owners)
