"""GPT-2: a decoder with LayerNorm and learned positions (Radford et al. 2019)."""

from typing import Any

import torch
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.kernels.linear import OneDNNLinear
from lingon.layers.attention import Attention
from lingon.layers.feedforward import FeedForward
from lingon.layers.kv_cache import KVCache
from lingon.layers.packing import Packed
from lingon.layers.residual import PreNorm
from lingon.layers.transformer import (
    Block,
    embed,
    init_weights,
    new_cache,
    prepare_cache,
    run_blocks,
    run_packed_blocks,
)
from lingon.models.hub_configs import gpt2_config
from lingon.models.hub_weights import gpt2_weights
from lingon.models.option_types import (
    AttentionHeads,
    ContextLength,
    Depth,
    FFNWidth,
    Fraction,
    NonNegative,
    VocabSize,
    Width,
)
from lingon.models.registry import ModelEntry


class GPT(nn.Module):
    """Predicts each token from all previous ones.

    context_length: the maximum number of tokens. ffn_width: width inside the feed-forward layers, 4 * width when 0.
    bias: of all linear layers and norms. tied: the embedding is also the matrix of the last layer.
    """

    def __init__(
        self,
        vocab_size: VocabSize,
        width: Width = 128,
        depth: Depth = 4,
        heads: AttentionHeads = 4,
        context_length: ContextLength = 256,
        ffn_width: FFNWidth = 0,
        dropout: Fraction = 0.0,
        bias: bool = True,
        tied: bool = True,
        epsilon: NonNegative = 1e-5,
    ):
        super().__init__()
        ffn_width = ffn_width or 4 * width
        self.sizes: dict[str, Any] = {"vocab_size": vocab_size, "width": width, "depth": depth, "heads": heads}
        self.sizes |= {"context_length": context_length, "ffn_width": ffn_width, "dropout": dropout}
        self.sizes |= {"bias": bias, "tied": tied, "epsilon": epsilon}
        self.context_length = context_length
        self.embedding = nn.Embedding(vocab_size, width)
        self.positions = nn.Embedding(context_length, width)
        self.dropout = Dropout(dropout)

        def norm() -> nn.LayerNorm:
            return nn.LayerNorm(width, eps=epsilon, bias=bias)

        def block() -> Block:
            attention = Attention(width, heads, bias=(bias, bias), dropout=dropout)
            residuals = PreNorm(norm(), dropout), PreNorm(norm(), dropout)
            return Block(attention, FeedForward(width, ffn_width, bias=bias), residuals)

        self.blocks: Any = nn.ModuleList(block() for _ in range(depth))
        self.norm = norm()
        self.output = OneDNNLinear(width, vocab_size, bias=False)
        if tied:
            self.output.weight = self.embedding.weight
        init_weights(self, depth)

    def forward(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        """Return the logits of the token that follows each token."""
        return self.head(self.hidden(ids)[0])

    def hidden(
        self, ids: Int[Tensor, "B S"], state: KVCache | None = None, mask: Bool[Tensor, "B S"] | None = None
    ) -> tuple[Float[Tensor, "B S D"], KVCache]:
        """Return the hidden states of the last layer, and the key-value cache after these tokens.

        mask: False where a shorter prompt is padded on the left. Raises UserError when the context is too short.
        """
        after, keep = prepare_cache(self, ids, state, mask)
        x = self.embedded(ids, after.positions(ids.shape[1]))
        return self.norm(run_blocks(self.blocks, x, after, {}, keep)), after

    def packed(self, ids: Int[Tensor, "1 N"], packed: Packed) -> Float[Tensor, "1 N D"]:
        """Return the hidden states of packed texts, which do not affect each other."""
        x = self.embedded(ids, packed.positions)
        return self.norm(run_packed_blocks(self.blocks, x, packed, {}))

    def embedded(self, ids: Int[Tensor, "B S"], places: slice | Int[Tensor, "_ S"]) -> Float[Tensor, "B S D"]:
        """Return the input of the first block: token and position embeddings."""
        where = self.positions.weight[places] if isinstance(places, slice) else self.positions(places)
        return self.dropout(embed(self.embedding, ids) + where)

    def head(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "... V"]:
        """Return the logits from the output of the last layer."""
        return self.output(hidden)

    def new_state(
        self,
        batch: int,
        context_length: int | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> KVCache:
        """Return an empty key-value cache; with a context length, its memory is allocated at once."""
        return new_cache(self, batch, context_length, dtype, device)

    def config(self) -> dict:
        return self.sizes


# Tuned on the validation text; see docs/log.md for what was tried. The modern decoder has the same.
TRANSFORMER_DEFAULTS = {
    "epochs": 3,
    "lr": 2e-3,
    "dropout": 0.1,
    "width": 192,
    "depth": 4,
    "context_length": 128,
    "batch_size": 16,
    "weight_decay": 0.1,
}

ENTRY = ModelEntry(
    GPT,
    hub_config=gpt2_config,
    hub_weights=gpt2_weights,
    defaults=TRANSFORMER_DEFAULTS,
)
