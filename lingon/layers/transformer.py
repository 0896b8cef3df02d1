"""The blocks of a Transformer: attention, then a feed-forward layer, each in a residual connection."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.layers.attention import Attention, LayerCache
from lingon.layers.attention_mask import AttentionMask, causal_mask, packed_causal_mask
from lingon.layers.kv_cache import KVCache, empty_cache, preallocated_cache
from lingon.layers.packing import Packed
from lingon.layers.residual import Residual
from lingon.layers.rotary import Rotation


class Block(nn.Module):
    """Attention and a feed-forward layer, each in a residual connection that determines the position of its norm.

    residuals: around the attention, and around the feed-forward layer. window: number of tokens that the attention
    spans; None for all. rotary: the name of its rotary embedding.
    """

    def __init__(
        self,
        attention: Attention,
        feed_forward: nn.Module,
        residuals: tuple[Residual, Residual],
        window: int | None = None,
        rotary: str | None = None,
    ):
        super().__init__()
        self.around_attention, self.around_feed_forward = residuals
        self.attention, self.feed_forward = attention, feed_forward
        self.window, self.rotary = window, rotary

    def forward(
        self,
        x: Float[Tensor, "B S D"],
        mask: AttentionMask | None = None,
        *,
        cache: LayerCache | None = None,
        rotation: Rotation | None = None,
    ) -> Float[Tensor, "B S D"]:
        x = self.around_attention(x, lambda y: self.attention(y, mask, cache=cache, rotation=rotation))
        return self.around_feed_forward(x, self.feed_forward)


def run_blocks(
    blocks: Iterable[Block],
    x: Float[Tensor, "B S D"],
    cache: KVCache,
    rotaries: Mapping[str, nn.Module] | nn.ModuleDict,
    keep: bool,
) -> Float[Tensor, "B S D"]:
    """Return x after all blocks of a causal model.

    cache: already advanced by the S columns of x. keep: write to it.
    """
    columns = x.shape[1]
    positions = cache.positions(columns)
    rotations: dict[str | None, Any] = {name: rotary(positions, x) for name, rotary in rotaries.items()}
    masks: dict[int | None, AttentionMask] = {}
    for layer, block in enumerate(blocks):
        if block.window not in masks:
            masks[block.window] = causal_mask(cache, columns, block.window, x.device)
        write = CacheWriter(cache, layer) if keep else None
        x = block(x, masks[block.window], cache=write, rotation=rotations.get(block.rotary))
    return x


def run_packed_blocks(
    blocks: Iterable[Block],
    x: Float[Tensor, "1 N D"],
    packed: Packed,
    rotaries: Mapping[str, nn.Module] | nn.ModuleDict,
) -> Float[Tensor, "1 N D"]:
    """Return x after all blocks of a causal model, for packed texts, which do not attend to each other."""
    rotations: dict[str | None, Any] = {name: rotary(packed.positions, x) for name, rotary in rotaries.items()}
    masks: dict[int | None, AttentionMask] = {}
    for block in blocks:
        if block.window not in masks:
            masks[block.window] = packed_causal_mask(packed.lengths, block.window, x.device)
        x = block(x, masks[block.window], rotation=rotations.get(block.rotary))
    return x


class CacheWriter:
    """Writes the keys and values of one layer to a cache."""

    def __init__(self, cache: KVCache, layer: int):
        self.cache, self.layer = cache, layer

    def __call__(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        return self.cache.write(self.layer, keys, values)


@runtime_checkable
class BlockModel(Protocol):
    """A causal model made of blocks, such as `GPT`."""

    blocks: Any
    norm: Any
    context_length: int
    training: bool


def prepare_cache(
    model: BlockModel, ids: Int[Tensor, "B S"], cache: KVCache | None, mask: Bool[Tensor, "B S"] | None
) -> tuple[KVCache, bool]:
    """Return the cache advanced by these ids, and whether to write keys and values to it.

    In training without a given cache, nothing continues from it, so nothing is written.
    """
    if not ids.shape[1]:
        raise UserError("there are no tokens to read; give a prompt of at least one token")
    fresh = empty_cache(len(model.blocks), model.context_length) if cache is None else cache
    return fresh.advance(ids.shape[1], mask), cache is not None or not model.training


def embed(embedding: nn.Embedding, ids: Int[Tensor, "B S"]) -> Float[Tensor, "B S D"]:
    """Return the embeddings of ids. Raises UserError for an id outside the vocabulary."""
    try:
        return F.embedding(ids, embedding.weight)
    except IndexError:
        wrong = int(ids.max()) if int(ids.max()) >= len(embedding.weight) else int(ids.min())
        raise UserError(
            f"id {wrong} is outside the model's vocabulary of {len(embedding.weight):,}; use the tokenizer it came with"
        ) from None


def new_cache(model: BlockModel, batch: int, context_length: int | None, dtype, device) -> KVCache:
    """Return a cache before the first token for a model made of `blocks`; see `GPT.new_state`."""
    if context_length is None:
        return empty_cache(len(model.blocks), model.context_length)
    like, attention = model.norm.weight, model.blocks[0].attention
    shape = (batch, attention.kv_heads, min(context_length, model.context_length), attention.head_width)
    return preallocated_cache(len(model.blocks), shape, dtype or like.dtype, torch.device(device or like.device))


def init_weights(model: nn.Module, depth: int) -> None:
    """Initialize weights as in GPT-2 (Radford et al. 2019, section 2.3): N(0, 0.02), smaller for residual outputs."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            adds = name.endswith((".out", ".down"))
            nn.init.normal_(module.weight, std=0.02 / math.sqrt(2 * depth) if adds else 0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
