"""DeBERTa-v2 and -v3, with disentangled attention: separate vectors of content and distance (He et al. 2021, 2023)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.kernels.linear import OneDNNLinear
from lingon.layers.attention_mask import AttentionMask
from lingon.layers.disentangled_attention import C2P, P2C, DisentangledAttention, Distances, near_distances
from lingon.layers.feedforward import Activation, FeedForward
from lingon.layers.packing import each_length
from lingon.layers.relative_position import distances, log_bucket
from lingon.layers.residual import PostNorm
from lingon.layers.transformer import embed
from lingon.models.bert import init_bert
from lingon.models.config_sizes import ConfigReader
from lingon.models.decoder_families import ACTIVATIONS, DEEPEST
from lingon.models.encoder import run_tokens
from lingon.models.hub_weights import HubWeight, encoder_weights
from lingon.models.registry import ModelEntry


class DebertaBlock(nn.Module):
    """Disentangled attention and a feed-forward layer, each with a post-norm."""

    def __init__(
        self, attention: DisentangledAttention, feed_forward: FeedForward, residuals: tuple[PostNorm, PostNorm]
    ):
        super().__init__()
        self.attention, self.feed_forward = attention, feed_forward
        self.around_attention, self.around_feed_forward = residuals

    def forward(self, x: Float[Tensor, "B T D"], mask: AttentionMask, distances: Distances) -> Float[Tensor, "B T D"]:
        x = self.around_attention(x, lambda y: self.attention(y, mask, distances))
        return self.around_feed_forward(x, self.feed_forward)


class NGramLayer(nn.Module):
    """A convolution of the input that is added to the first block's output (DeBERTa-v2's "nGiE"; their code, 2021)."""

    def __init__(self, conv: nn.Conv1d, norm: nn.LayerNorm, activation: Activation, dropout: float):
        super().__init__()
        self.conv, self.norm, self.activation, self.dropout = conv, norm, activation, Dropout(dropout)

    def forward(
        self, embedded: Float[Tensor, "B T D"], x: Float[Tensor, "B T D"], mask: AttentionMask
    ) -> Float[Tensor, "B T D"]:
        """Return x plus a convolution over neighbouring tokens. mask: of padding."""
        if mask.lengths is not None:
            found = each_length(self._convolved, mask.lengths, embedded)
        else:
            tokens = None if mask.mask is None else mask.mask[:, 0, 0, :, None]
            found = self._convolved(embedded if tokens is None else embedded * tokens)
        return self.norm(x + self.activation(self.dropout(found)))

    def _convolved(self, x: Float[Tensor, "B T D"]) -> Float[Tensor, "B T D"]:
        return self.conv(x.transpose(1, 2)).transpose(1, 2)


@dataclass(frozen=True)
class DistanceSizes:
    """Sizes of the vectors of distances.

    buckets: number of buckets in each direction; 0: one for each distance up to `farthest`. normed: apply a LayerNorm
    to the vectors.
    """

    buckets: int
    farthest: int
    normed: bool

    @property
    def span(self) -> int:
        """Return the number of vectors for each direction."""
        return self.buckets or self.farthest

    @property
    def shrinks(self) -> bool:
        """Return whether no distance has a bucket larger than itself, as in all published models."""
        middle = max(1, self.buckets // 2)
        return not self.buckets or math.log((self.farthest - 1) / middle) >= (middle - 1) / middle

    def of_text(self, vectors: Float[Tensor, "R D"], columns: int) -> Distances:
        """Return the distances between the tokens of a text."""
        found = distances(columns, vectors.device)
        if self.buckets:
            found = log_bucket(found, self.buckets, self.farthest)
        return near_distances(vectors, found, columns if self.shrinks else None)


class DeBERTa(nn.Module):
    """Computes a contextual vector for each token (He et al. 2021, section 3).

    token_types: number of token types; 0 for none. positions: number of absolute positions added to the input; 0: only
    distances are used. embedding_width: of token embeddings, which are projected to the width of the blocks if it
    differs. ngrams: layer added after the first block. config: returned by `config`.
    """

    def __init__(
        self,
        vocab_size: int,
        width: int,
        context_length: int,
        blocks: list[DebertaBlock],
        distance_sizes: DistanceSizes,
        epsilon: float,
        dropout: float,
        config: dict[str, Any],
        token_types: int = 0,
        positions: int = 0,
        embedding_width: int | None = None,
        ngrams: NGramLayer | None = None,
    ):
        super().__init__()
        self.width, self.context_length, self.sizes = width, context_length, config
        self.distance_sizes = distance_sizes
        inner = embedding_width or width
        self.embedding = nn.Embedding(vocab_size, inner)
        self.positions = nn.Embedding(positions, inner) if positions else None
        self.token_types = nn.Embedding(token_types, inner) if token_types else None
        self.projection = OneDNNLinear(inner, width, bias=False) if inner != width else None
        self.embedding_norm = nn.LayerNorm(width, eps=epsilon)
        self.embedding_dropout = Dropout(dropout)
        self.distances = nn.Embedding(2 * distance_sizes.span, width)
        self.distance_norm = nn.LayerNorm(width, eps=epsilon) if distance_sizes.normed else None
        self.ngrams = ngrams
        self.blocks: Any = nn.ModuleList(blocks)  # registered after the layers whose output they read
        init_bert(self)

    def forward(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"], token_types: Int[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B T D"]:
        """Return the hidden states of the last layer.

        mask: False for padding. token_types: 0 for the first text of a pair, 1 for the second; by default all 0, and
        ignored if the model has none. Raises UserError for more tokens than the context length, and for ids outside the
        vocabulary.
        """
        return run_tokens(self._run, ids, mask, token_types, self.context_length)

    def _run(self, ids: Tensor, positions: Tensor, token_types: Tensor | None, mask: AttentionMask) -> Tensor:
        embedded = x = self._embedded(ids, positions, token_types)
        near = self._distances(ids.shape[1] if mask.lengths is None else mask.lengths[-1])
        for layer, block in enumerate(self.blocks):
            x = block(x, mask, near)
            if layer == 0 and self.ngrams is not None:
                x = self.ngrams(embedded, x, mask)
        return x

    def _embedded(self, ids: Tensor, positions: Tensor, token_types: Tensor | None) -> Float[Tensor, "B T D"]:
        x = embed(self.embedding, ids)
        if self.positions is not None:
            x = x + self.positions(positions)
        if self.token_types is not None:
            x = x + (self.token_types.weight[0] if token_types is None else embed(self.token_types, token_types))
        if self.projection is not None:
            x = self.projection(x)
        return self.embedding_dropout(self.embedding_norm(x))

    def _distances(self, columns: int) -> Distances:
        vectors: Tensor = self.distances.weight
        return self.distance_sizes.of_text(
            vectors if self.distance_norm is None else self.distance_norm(vectors), columns
        )

    def config(self) -> dict[str, Any]:
        return self.sizes


CONV_ACTIVATIONS: dict[str, Activation] = {**ACTIVATIONS, "tanh": torch.tanh}


def deberta(sizes: ConfigReader) -> DeBERTa:
    """Build DeBERTa-v2 or -v3 (He et al. 2021, 2023) from its config.json."""
    if not sizes.flag("relative_attention"):
        raise sizes.error("relative_attention", False, "true; without distances it is a BERT")
    width = sizes.integer("hidden_size", 1536, most=1 << 16)
    heads = sizes.divisor("num_attention_heads", 24, "hidden_size", width)
    head_width = sizes.integer("attention_head_size", width // heads)
    if head_width != width // heads:
        raise sizes.error("attention_head_size", head_width, f"hidden_size / num_attention_heads, {width // heads}")
    ffn_width = sizes.integer("intermediate_size", 6144, most=1 << 20)
    dropout, attention_dropout = (
        sizes.fraction(key, 0.1) for key in ("hidden_dropout_prob", "attention_probs_dropout_prob")
    )
    activation = ACTIVATIONS[sizes.choice("hidden_act", "gelu", ACTIVATIONS)]
    epsilon = sizes.number("layer_norm_eps", 1e-7, most=1.0)
    context_length = sizes.integer("max_position_embeddings", 512)
    kinds, shared = _kinds(sizes), sizes.flag("share_att_key")

    def block() -> DebertaBlock:
        attention = DisentangledAttention(width, heads, kinds, shared, (dropout, attention_dropout))
        norms = nn.LayerNorm(width, eps=epsilon), nn.LayerNorm(width, eps=epsilon)
        residuals = PostNorm(norms[0], dropout), PostNorm(norms[1], dropout)
        return DebertaBlock(attention, FeedForward(width, ffn_width, activation), residuals)

    return DeBERTa(
        sizes.integer("vocab_size", 128_100),
        width,
        context_length,
        [block() for _ in range(sizes.integer("num_hidden_layers", 24, most=DEEPEST))],
        _distance_sizes(sizes, context_length),
        epsilon,
        dropout,
        sizes.as_dict(),
        sizes.integer("type_vocab_size", 0, least=0, most=1 << 10),
        context_length if sizes.flag("position_biased_input", True) else 0,
        sizes.integer("embedding_size", width, most=1 << 16),
        _ngrams(sizes, width, epsilon, dropout),
    )


def _kinds(sizes: ConfigReader) -> list[str]:
    """Return the terms with distances: given as a list, or in older files as one word with |."""
    value = sizes.config.get("pos_att_type")
    found = [word.strip() for word in value.lower().split("|")] if isinstance(value, str) else value
    if not isinstance(found, list) or not found or not all(kind in (C2P, P2C) for kind in found):
        raise sizes.error("pos_att_type", value, f"a list of {C2P}, {P2C} or both")
    return [kind for kind in (C2P, P2C) if kind in found]


def _distance_sizes(sizes: ConfigReader, context_length: int) -> DistanceSizes:
    farthest = sizes.integer("max_relative_positions", -1, least=-1)
    farthest = context_length if farthest < 1 else farthest
    buckets = max(0, sizes.integer("position_buckets", -1, least=-1))
    if buckets and not 4 <= buckets < 2 * (farthest - 1):
        raise sizes.error("position_buckets", buckets, f"-1, or a whole number from 4 to {2 * farthest - 3}")
    words = sizes.config.get("norm_rel_ebd")
    if words is not None and words not in ("none", "layer_norm"):
        raise sizes.error("norm_rel_ebd", words, "none or layer_norm")
    return DistanceSizes(buckets, farthest, words == "layer_norm")


def _ngrams(sizes: ConfigReader, width: int, epsilon: float, dropout: float) -> NGramLayer | None:
    size = sizes.integer("conv_kernel_size", 0, least=0, most=1 << 8)
    if not size:
        return None
    if not size % 2:
        raise sizes.error("conv_kernel_size", size, "an odd number, so that each token keeps its place")
    groups = sizes.divisor("conv_groups", 1, "hidden_size", width)
    activation = CONV_ACTIVATIONS[sizes.choice("conv_act", "tanh", CONV_ACTIVATIONS)]
    conv = nn.Conv1d(width, width, size, padding=size // 2, groups=groups)
    return NGramLayer(conv, nn.LayerNorm(width, eps=epsilon), activation, dropout)


WHOLE = {
    "embedding": "embeddings.word_embeddings",
    "positions": "embeddings.position_embeddings",
    "token_types": "embeddings.token_type_embeddings",
    "projection": "embeddings.embed_proj",
    "embedding_norm": "embeddings.LayerNorm",
    "distances": "encoder.rel_embeddings",
    "distance_norm": "encoder.LayerNorm",
    "ngrams.conv": "encoder.conv.conv",
    "ngrams.norm": "encoder.conv.LayerNorm",
}
PARTS = {
    "attention.qkv": ("attention.self.query_proj", "attention.self.key_proj", "attention.self.value_proj"),
    "attention.position_key": ("attention.self.pos_key_proj",),
    "attention.position_query": ("attention.self.pos_query_proj",),
    "attention.out": ("attention.output.dense",),
    "around_attention.post_norm": ("attention.output.LayerNorm",),
    "feed_forward.up": ("intermediate.dense",),
    "feed_forward.down": ("output.dense",),
    "around_feed_forward.post_norm": ("output.LayerNorm",),
}


def deberta_weights(model: nn.Module) -> Iterator[HubWeight]:
    """Yield each weight of a DeBERTa with its name in its checkpoints."""
    return encoder_weights(model, WHOLE, (r"blocks\.(\d+)\.", "encoder.layer.{}."), PARTS)


ENTRY = ModelEntry(DeBERTa, hub_config=DeBERTa.config, hub_weights=deberta_weights)
