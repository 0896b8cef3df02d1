"""A modern decoder: RMSNorm, rotary positions, gated feed-forward layers, grouped-query attention."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.linear import OneDNNLinear
from lingon.layers.attention import Attention
from lingon.layers.feedforward import GatedFeedForward
from lingon.layers.kv_cache import KVCache
from lingon.layers.norm import RMSNorm
from lingon.layers.packing import Packed
from lingon.layers.residual import PreNorm
from lingon.layers.rotary import Rotary
from lingon.layers.transformer import (
    Block,
    embed,
    init_weights,
    new_cache,
    prepare_cache,
    run_blocks,
    run_packed_blocks,
)
from lingon.models.gpt import TRANSFORMER_DEFAULTS
from lingon.models.hub_configs import qwen3_config
from lingon.models.hub_weights import decoder_weights
from lingon.models.option_types import (
    AttentionHeads,
    ContextLength,
    Depth,
    FFNWidth,
    Fraction,
    NonNegative,
    VocabSize,
    Width,
    Window,
)
from lingon.models.registry import ModelEntry


class Decoder(nn.Module):
    """Predicts each token from all previous ones; built from given parts, so that each family is a short function.

    rotaries: rotary embeddings by the names used in blocks. context_length: maximum number of tokens. sizes: returned
    by `config`. embedding_scale: factor of token embeddings. softcap: logits become cap * tanh(logit / cap).
    """

    def __init__(
        self,
        embedding: nn.Embedding,
        blocks: list[Block],
        rotaries: Mapping[str, Rotary],
        norm: RMSNorm,
        context_length: int,
        sizes: dict[str, Any],
        tied: bool = True,
        embedding_scale: float = 1.0,
        softcap: float | None = None,
    ):
        super().__init__()
        self.context_length, self.sizes = context_length, sizes
        self.embedding_scale, self.softcap = embedding_scale, softcap
        self.embedding = embedding
        self.blocks: Any = nn.ModuleList(blocks)
        self.norm = norm
        self.rotaries = nn.ModuleDict(rotaries)
        self.output = OneDNNLinear(embedding.embedding_dim, embedding.num_embeddings, bias=False)
        if tied:
            self.output.weight = self.embedding.weight
        init_weights(self, len(blocks))

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
        return self.norm(run_blocks(self.blocks, self.embedded(ids), after, self.rotaries, keep)), after

    def packed(self, ids: Int[Tensor, "1 N"], packed: Packed) -> Float[Tensor, "1 N D"]:
        """Return the hidden states of packed texts, which do not affect each other."""
        return self.norm(run_packed_blocks(self.blocks, self.embedded(ids), packed, self.rotaries))

    def embedded(
        self, ids: Int[Tensor, "B S"], places: slice | Int[Tensor, "_ S"] | None = None
    ) -> Float[Tensor, "B S D"]:
        """Return the input of the first block: token embeddings. Positions are encoded by rotation."""
        x = embed(self.embedding, ids)
        if self.embedding_scale != 1:
            # Rounded to the dtype of the weights, as in Gemma's own code.
            x = x * torch.tensor(self.embedding_scale, dtype=x.dtype, device=x.device)
        return x

    def head(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "... V"]:
        """Return the logits from the output of the last layer."""
        logits = self.output(hidden)
        return logits if self.softcap is None else self.softcap * (logits / self.softcap).tanh()

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


def decoder(
    vocab_size: VocabSize,
    width: Width = 256,
    depth: Depth = 4,
    heads: AttentionHeads = 4,
    kv_heads: AttentionHeads = 2,
    context_length: ContextLength = 256,
    ffn_width: FFNWidth = 0,
    dropout: Fraction = 0.0,
    tied: bool = True,
    window: Window = 0,
    theta: NonNegative = 10_000.0,
    epsilon: NonNegative = 1e-6,
) -> Decoder:
    """Return a decoder with the parts of Qwen3 (2025): SwiGLU, and a norm on queries and keys.

    ffn_width: width of the gated layers; 0 means 8/3 of the width, so that they have as many weights as plain ones of
    four times the width. window: number of tokens that all layers but every fourth attend to; 0 for all.
    """
    ffn_width = ffn_width or -(-8 * width // 3 // 32) * 32
    sizes: dict[str, Any] = {"vocab_size": vocab_size, "width": width, "depth": depth, "heads": heads}
    sizes |= {"kv_heads": kv_heads, "context_length": context_length, "ffn_width": ffn_width, "dropout": dropout}
    sizes |= {"tied": tied, "window": window, "theta": theta, "epsilon": epsilon}

    def block(layer: int) -> Block:
        head_width = width // heads
        norms = RMSNorm(head_width, epsilon), RMSNorm(head_width, epsilon)
        attention = Attention(width, heads, kv_heads, norms=norms, dropout=dropout)
        residuals = PreNorm(RMSNorm(width, epsilon), dropout), PreNorm(RMSNorm(width, epsilon), dropout)
        span = window if window and (layer + 1) % 4 else None
        return Block(attention, GatedFeedForward(width, ffn_width), residuals, window=span, rotary="all")

    blocks = [block(layer) for layer in range(depth)]
    rotaries = {"all": Rotary(width // heads, theta)}
    embedding, norm = nn.Embedding(vocab_size, width), RMSNorm(width, epsilon)
    return Decoder(embedding, blocks, rotaries, norm, context_length, sizes, tied)


ENTRY = ModelEntry(
    decoder,
    hub_config=qwen3_config,
    hub_weights=decoder_weights,
    defaults=TRANSFORMER_DEFAULTS,
)
