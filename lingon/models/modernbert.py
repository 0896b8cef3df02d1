"""ModernBERT: rotary positions, local attention in most layers, gated feed-forward layers (Warner et al. 2024)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.layers.attention import Attention
from lingon.layers.attention_mask import AttentionMask
from lingon.layers.feedforward import GatedFeedForward
from lingon.layers.packing import one_graph
from lingon.layers.relative_position import distances
from lingon.layers.residual import PreNorm
from lingon.layers.rotary import Rotary, Rotation
from lingon.layers.transformer import Block, embed
from lingon.models.bert import init_bert
from lingon.models.config_sizes import ConfigReader
from lingon.models.decoder_families import ACTIVATIONS, DEEPEST, FULL, SLIDING
from lingon.models.encoder import run_tokens
from lingon.models.hub_weights import HubWeight, encoder_weights
from lingon.models.registry import ModelEntry
from lingon.models.rope_config import rotary_of

THETAS = {FULL: 160_000.0, SLIDING: 10_000.0}


class ModernBERT(nn.Module):
    """Computes a contextual vector for each token (Warner et al. 2024, section 2.1).

    blocks: run one after the other; one with a window attends to tokens at most that far away, before and after.
    rotaries: rotary embeddings by the names used in blocks. norms: of the input, and after the last block.
    context_length: maximum number of tokens. dropout: of the input. config: returned by `config`.
    """

    def __init__(
        self,
        embedding: nn.Embedding,
        blocks: list[Block],
        rotaries: Mapping[str, Rotary],
        norms: tuple[nn.LayerNorm, nn.LayerNorm],
        context_length: int,
        dropout: float,
        config: dict[str, Any],
    ):
        super().__init__()
        self.width, self.context_length, self.sizes = embedding.embedding_dim, context_length, config
        self.embedding = embedding
        self.embedding_norm = norms[0]
        self.embedding_dropout = Dropout(dropout)
        self.blocks: Any = nn.ModuleList(blocks)
        self.norm = norms[1]
        self.rotaries = nn.ModuleDict(rotaries)
        init_bert(self)

    def forward(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"], token_types: Int[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B T D"]:
        """Return the hidden states of the last layer, after the last norm.

        mask: False for padding. token_types: ignored, since this model has none. Raises UserError for more tokens than
        the context length, and for ids outside the vocabulary.
        """
        return run_tokens(self._run, ids, mask, None, self.context_length)

    def _run(self, ids: Tensor, positions: Tensor, token_types: Tensor | None, mask: AttentionMask) -> Tensor:
        x = self.embedding_dropout(self.embedding_norm(embed(self.embedding, ids)))
        longest = ids.shape[1] if mask.lengths is None else mask.lengths[-1]
        # Padding on the left shifts all tokens of a row equally, so that their distances are the same.
        places = slice(0, longest) if mask.lengths is None else positions
        rotations: dict[str | None, Any] = {name: self._rotation(name, places, x) for name in self.rotaries}
        masks = {window: in_window(mask, window, longest, ids.device) for window in {b.window for b in self.blocks}}
        for block in self.blocks:
            x = block(x, masks[block.window], rotation=rotations[block.rotary])
        return self.norm(x)

    def _rotation(self, name: str, places: slice | Tensor, like: Tensor) -> Rotation:
        """Return the cosines and sines of positions; in a traced graph, from a table of the whole context length."""
        if not one_graph():
            return self.rotaries[name](places, like)
        cos, sin = self.rotaries[name](slice(0, self.context_length), like)
        return cos[places], sin[places]

    def config(self) -> dict[str, Any]:
        return self.sizes


def in_window(mask: AttentionMask, window: int | None, longest: int, device: torch.device) -> AttentionMask:
    """Return a mask restricted to keys at most `window` away, before and after."""
    if window is None or (not one_graph() and longest <= window):
        return mask
    far = distances(longest, device).abs()
    near = far <= window
    # Padding without near tokens attends to itself, because a softmax over nothing is NaN.
    return replace(mask, mask=near if mask.mask is None else (mask.mask & near) | (far == 0))


def modernbert(sizes: ConfigReader) -> ModernBERT:
    """Build ModernBERT (Warner et al. 2024) from its config.json."""
    sizes.refuse("mlp_dropout", "sliding_window")
    width = sizes.integer("hidden_size", 768, most=1 << 16)
    heads = sizes.divisor("num_attention_heads", 12, "hidden_size", width)
    if width // heads % 2:
        raise sizes.error("num_attention_heads", heads, "heads of an even width, for rotations turn pairs")
    ffn_width = sizes.integer("intermediate_size", 1152, most=1 << 20)
    depth = sizes.integer("num_hidden_layers", 22, most=DEEPEST)
    activation = ACTIVATIONS[sizes.choice("hidden_activation", "gelu", ACTIVATIONS)]
    epsilon, norm_bias = sizes.number("norm_eps", 1e-5, most=1.0), sizes.flag("norm_bias")
    dropout = sizes.fraction("attention_dropout", 0.0)
    bias, feed_bias = sizes.flag("attention_bias"), sizes.flag("mlp_bias")
    window = sizes.integer("local_attention", 128, least=2) // 2

    def norm() -> nn.LayerNorm:
        return nn.LayerNorm(width, eps=epsilon, bias=norm_bias)

    def block(layer: int, kind: str) -> Block:
        attention = Attention(width, heads, bias=(bias, bias), dropout=dropout)
        # The input is already normalized, so the first block has no norm.
        residuals = PreNorm(norm() if layer else nn.Identity(), dropout), PreNorm(norm())
        feed = GatedFeedForward(width, ffn_width, activation, feed_bias)
        return Block(attention, feed, residuals, window=window if kind == SLIDING else None, rotary=kind)

    kinds = _kinds(sizes, depth)
    return ModernBERT(
        nn.Embedding(sizes.integer("vocab_size", 50_368), width),
        [block(layer, kind) for layer, kind in enumerate(kinds)],
        {kind: _rotary(sizes, kind, width // heads) for kind in sorted({*kinds})},
        (norm(), norm()),
        sizes.integer("max_position_embeddings", 8192, most=1 << 20),
        sizes.fraction("embedding_dropout", 0.0),
        sizes.as_dict(),
    )


def _kinds(sizes: ConfigReader, depth: int) -> list[str]:
    """Return the type of attention of each layer: sliding, but full in every third layer, starting with the first."""
    every = sizes.integer("global_attn_every_n_layers", 3)
    told = sizes.choices("layer_types", depth, (SLIDING, FULL))
    return told or [SLIDING if layer % every else FULL for layer in range(depth)]


def _rotary(sizes: ConfigReader, kind: str, head_width: int) -> Rotary:
    """Return the rotary embedding of a type of layers, from `rope_parameters`, else from the older keys."""
    if sizes.config.get("head_dim") not in (None, head_width):
        raise sizes.error("head_dim", sizes.config["head_dim"], f"hidden_size / num_attention_heads, {head_width}")
    theta = sizes.number({FULL: "global_rope_theta", SLIDING: "local_rope_theta"}[kind], THETAS[kind])
    section = sizes.section("rope_parameters")
    found = section.section(kind) if section is not None else None
    both = {"rope_scaling": sizes.config.get("rope_scaling"), "rope_parameters": found and dict(found.config)}
    return rotary_of(ConfigReader(both, sizes.family), kind, head_width, theta)


WHOLE = {
    "embedding": "embeddings.tok_embeddings",
    "embedding_norm": "embeddings.norm",
    "norm": "final_norm",
}
PARTS = {
    "around_attention.pre_norm": ("attn_norm",),
    "attention.qkv": ("attn.Wqkv",),
    "attention.out": ("attn.Wo",),
    "around_feed_forward.pre_norm": ("mlp_norm",),
    "feed_forward.up": ("mlp.Wi",),
    "feed_forward.down": ("mlp.Wo",),
}


def modernbert_weights(model: nn.Module) -> Iterator[HubWeight]:
    """Yield each weight of a ModernBERT with its name in its checkpoints."""
    return encoder_weights(model, WHOLE, (r"blocks\.(\d+)\.", "layers.{}."), PARTS)


ENTRY = ModelEntry(ModernBERT, hub_config=ModernBERT.config, hub_weights=modernbert_weights)
