"""MPNet: an encoder whose layers share an attention bias for each distance between tokens (Song et al. 2020)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.layers.attention import Attention
from lingon.layers.attention_mask import AttentionMask
from lingon.layers.feedforward import FeedForward
from lingon.layers.relative_position import distances, t5_bucket
from lingon.layers.residual import PostNorm
from lingon.layers.transformer import Block, embed
from lingon.models.bert import init_bert
from lingon.models.config_sizes import ConfigReader
from lingon.models.decoder_families import ACTIVATIONS, DEEPEST
from lingon.models.encoder import run_tokens
from lingon.models.hub_weights import HubWeight, encoder_weights
from lingon.models.registry import ModelEntry

FIRST = 2  # row of the first token's position; row 1 is for padding, row 0 is unused
BUCKETS = 32


class MPNet(nn.Module):
    """Computes a contextual vector for each token (Song et al. 2020; the biases are T5's, section 2.1).

    blocks: run one after the other, each with the same biases of distances, one per head. context_length: maximum
    number of tokens. epsilon: of the norm of the input. dropout: of the input. config: returned by `config`.
    """

    def __init__(
        self,
        vocab_size: int,
        width: int,
        context_length: int,
        blocks: list[Block],
        epsilon: float,
        dropout: float,
        config: dict[str, Any],
    ):
        super().__init__()
        self.width, self.context_length, self.sizes = width, context_length, config
        self.embedding = nn.Embedding(vocab_size, width)
        self.positions = nn.Embedding(FIRST + context_length, width)
        self.embedding_norm = nn.LayerNorm(width, eps=epsilon)
        self.embedding_dropout = Dropout(dropout)
        self.distance_bias = nn.Embedding(BUCKETS, blocks[0].attention.heads)
        self.blocks: Any = nn.ModuleList(blocks)  # registered after the layers whose output they read
        init_bert(self)

    def forward(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"], token_types: Int[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B T D"]:
        """Return the hidden states of the last layer.

        mask: False for padding. token_types: ignored, since this model has none. Raises UserError for more tokens than
        the context length, and for ids outside the vocabulary.
        """
        return run_tokens(self._run, ids, mask, None, self.context_length)

    def _run(self, ids: Tensor, positions: Tensor, token_types: Tensor | None, mask: AttentionMask) -> Tensor:
        x = embed(self.embedding, ids) + self.positions(positions + FIRST)
        x = self.embedding_dropout(self.embedding_norm(x))
        mask = self._with_bias(mask, ids.shape[1], x.dtype)
        for block in self.blocks:
            x = block(x, mask)
        return x

    def _with_bias(self, mask: AttentionMask, columns: int, dtype: torch.dtype) -> AttentionMask:
        """Return a mask with the biases of the distances, computed once for all blocks."""
        longest = columns if mask.lengths is None else mask.lengths[-1]
        bucket = t5_bucket(distances(longest, self.distance_bias.weight.device), BUCKETS)
        both = replace(mask, bias=self.distance_bias(bucket).permute(2, 0, 1)[None])
        return replace(mask, mask=None, bias=both.added(dtype))

    def config(self) -> dict[str, Any]:
        return self.sizes


def mpnet(sizes: ConfigReader) -> MPNet:
    """Build MPNet (Song et al. 2020) from its config.json."""
    width = sizes.integer("hidden_size", 768, most=1 << 16)
    heads = sizes.divisor("num_attention_heads", 12, "hidden_size", width)
    ffn_width = sizes.integer("intermediate_size", 3072, most=1 << 20)
    dropout, attention_dropout = (
        sizes.fraction(key, 0.1) for key in ("hidden_dropout_prob", "attention_probs_dropout_prob")
    )
    activation = ACTIVATIONS[sizes.choice("hidden_act", "gelu", ACTIVATIONS)]
    epsilon = sizes.number("layer_norm_eps", 1e-12, most=1.0)
    if (buckets := sizes.integer("relative_attention_num_buckets", BUCKETS)) != BUCKETS:
        # transformers always uses 32, whatever this key says, so the meaning of other values is unclear.
        raise sizes.error("relative_attention_num_buckets", buckets, f"{BUCKETS}")
    positions = sizes.integer("max_position_embeddings", 512, least=FIRST + 1)

    def block() -> Block:
        attention = Attention(width, heads, bias=(True, True), dropout=attention_dropout)
        norms = nn.LayerNorm(width, eps=epsilon), nn.LayerNorm(width, eps=epsilon)
        residuals = PostNorm(norms[0], dropout), PostNorm(norms[1], dropout)
        return Block(attention, FeedForward(width, ffn_width, activation), residuals)

    blocks = [block() for _ in range(sizes.integer("num_hidden_layers", 12, most=DEEPEST))]
    vocab_size = sizes.integer("vocab_size", 30_527)
    return MPNet(vocab_size, width, positions - FIRST, blocks, epsilon, dropout, sizes.as_dict())


WHOLE = {
    "embedding": "embeddings.word_embeddings",
    "positions": "embeddings.position_embeddings",
    "embedding_norm": "embeddings.LayerNorm",
    "distance_bias": "encoder.relative_attention_bias",
}
PARTS = {
    "attention.qkv": ("attention.attn.q", "attention.attn.k", "attention.attn.v"),
    "attention.out": ("attention.attn.o",),
    "around_attention.post_norm": ("attention.LayerNorm",),
    "feed_forward.up": ("intermediate.dense",),
    "feed_forward.down": ("output.dense",),
    "around_feed_forward.post_norm": ("output.LayerNorm",),
}


def mpnet_weights(model: nn.Module) -> Iterator[HubWeight]:
    """Yield each weight of an MPNet with its name in its checkpoints."""
    return encoder_weights(model, WHOLE, (r"blocks\.(\d+)\.", "encoder.layer.{}."), PARTS)


ENTRY = ModelEntry(MPNet, hub_config=MPNet.config, hub_weights=mpnet_weights)
