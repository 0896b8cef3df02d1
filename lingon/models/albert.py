"""ALBERT: layers that share their weights, and factorized token embeddings (Lan et al. 2020)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.kernels.linear import OneDNNLinear
from lingon.layers.attention import Attention
from lingon.layers.attention_mask import AttentionMask
from lingon.layers.feedforward import FeedForward
from lingon.layers.residual import PostNorm
from lingon.layers.transformer import Block, embed
from lingon.models.bert import init_bert
from lingon.models.config_sizes import ConfigReader
from lingon.models.decoder_families import ACTIVATIONS, DEEPEST
from lingon.models.encoder import run_tokens
from lingon.models.hub_weights import HubWeight, encoder_weights
from lingon.models.registry import ModelEntry


@dataclass(frozen=True)
class EmbeddingSizes:
    """Sizes of ALBERT's input: vocabulary, width of token embeddings, context length, number of token types."""

    vocab_size: int
    width: int
    context_length: int
    token_types: int


class ALBERT(nn.Module):
    """Computes a contextual vector for each token, by few weights (Lan et al. 2020, section 3.1).

    groups: the blocks of each group, run one after the other. depth: number of runs of groups in total; the first
    depth / len(groups) are of the first group, then of the second. epsilon: of the norm of the input. dropout: of the
    input. config: returned by `config`.
    """

    def __init__(
        self,
        embedding: EmbeddingSizes,
        width: int,
        depth: int,
        groups: list[list[Block]],
        epsilon: float,
        dropout: float,
        config: dict[str, Any],
    ):
        super().__init__()
        self.width, self.context_length, self.sizes = width, embedding.context_length, config
        self.embedding = nn.Embedding(embedding.vocab_size, embedding.width)
        self.positions = nn.Embedding(embedding.context_length, embedding.width)
        self.token_types = nn.Embedding(embedding.token_types, embedding.width)
        self.embedding_norm = nn.LayerNorm(embedding.width, eps=epsilon)
        self.embedding_dropout = Dropout(dropout)
        self.projection = OneDNNLinear(embedding.width, width)
        self.groups: Any = nn.ModuleList(nn.ModuleList(blocks) for blocks in groups)
        # Divided as in the published code, so that a depth that is not a multiple is assigned to the same groups.
        self.order = [int(layer / (depth / len(groups))) for layer in range(depth)]
        init_bert(self)

    def forward(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"], token_types: Int[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B T D"]:
        """Return the hidden states of the last layer.

        mask: False where a row is padded. token_types: 0 for the first text of a pair, 1 for the second; by default
        all 0. Raises UserError for more tokens than the context has, and for ids outside the vocabulary.
        """
        return run_tokens(self._run, ids, mask, token_types, self.context_length)

    def _run(self, ids: Tensor, positions: Tensor, token_types: Tensor | None, mask: AttentionMask) -> Tensor:
        types = self.token_types.weight[0] if token_types is None else embed(self.token_types, token_types)
        x = embed(self.embedding, ids) + self.positions(positions) + types
        x = self.projection(self.embedding_dropout(self.embedding_norm(x)))
        for block in self.blocks:
            x = block(x, mask)
        return x

    @property
    def blocks(self) -> list[Block]:
        """Return the blocks in the order in which they are run, with repetitions."""
        return [block for group in self.order for block in self.groups[group]]

    def config(self) -> dict[str, Any]:
        return self.sizes


def albert(sizes: ConfigReader) -> ALBERT:
    """Build ALBERT (Lan et al. 2020) from its config.json."""
    sizes.choice("position_embedding_type", "absolute", ("absolute",))
    width = sizes.integer("hidden_size", 4096, most=1 << 16)
    heads = sizes.divisor("num_attention_heads", 64, "hidden_size", width)
    ffn_width = sizes.integer("intermediate_size", 16_384, most=1 << 20)
    dropout, attention_dropout = (
        sizes.fraction(key, 0.0) for key in ("hidden_dropout_prob", "attention_probs_dropout_prob")
    )
    activation = ACTIVATIONS[sizes.choice("hidden_act", "gelu_new", ACTIVATIONS)]
    epsilon = sizes.number("layer_norm_eps", 1e-12, most=1.0)

    def block() -> Block:
        attention = Attention(width, heads, bias=(True, True), dropout=attention_dropout)
        norms = nn.LayerNorm(width, eps=epsilon), nn.LayerNorm(width, eps=epsilon)
        residuals = PostNorm(norms[0], dropout), PostNorm(norms[1])  # no dropout after the feed-forward layer
        return Block(attention, FeedForward(width, ffn_width, activation), residuals)

    embedding = EmbeddingSizes(
        sizes.integer("vocab_size", 30_000),
        sizes.integer("embedding_size", 128, most=1 << 16),
        sizes.integer("max_position_embeddings", 512),
        sizes.integer("type_vocab_size", 2, most=1 << 10),
    )
    depth, inner = sizes.integer("num_hidden_layers", 12, most=DEEPEST), sizes.integer("inner_group_num", 1, most=16)
    groups = [[block() for _ in range(inner)] for _ in range(sizes.integer("num_hidden_groups", 1, most=DEEPEST))]
    return ALBERT(embedding, width, depth, groups, epsilon, dropout, sizes.as_dict())


WHOLE = {
    "embedding": "embeddings.word_embeddings",
    "positions": "embeddings.position_embeddings",
    "token_types": "embeddings.token_type_embeddings",
    "embedding_norm": "embeddings.LayerNorm",
    "projection": "encoder.embedding_hidden_mapping_in",
}
PARTS = {
    "attention.qkv": ("attention.query", "attention.key", "attention.value"),
    "attention.out": ("attention.dense",),
    "around_attention.post_norm": ("attention.LayerNorm",),
    "feed_forward.up": ("ffn",),
    "feed_forward.down": ("ffn_output",),
    "around_feed_forward.post_norm": ("full_layer_layer_norm",),
}


def albert_weights(model: nn.Module) -> Iterator[HubWeight]:
    """Yield each weight of an ALBERT with its name in its checkpoints."""
    block = r"groups\.(\d+)\.(\d+)\.", "encoder.albert_layer_groups.{}.albert_layers.{}."
    return encoder_weights(model, WHOLE, block, PARTS)


ENTRY = ModelEntry(ALBERT, hub_config=ALBERT.config, hub_weights=albert_weights)
