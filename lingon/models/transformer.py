"""The encoder-decoder Transformer (Vaswani et al. 2017)."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.kernels.linear import OneDNNLinear
from lingon.layers.attention import Attention
from lingon.layers.attention_mask import AttentionMask, padding_mask
from lingon.layers.cross_attention import CrossAttention, cross_attention_weights
from lingon.layers.cross_attention_cache import CrossAttentionCache
from lingon.layers.decoder_block import (
    DecoderBlock,
    new_decoder_state,
    run_decoder_blocks,
    teach_decoder_blocks,
)
from lingon.layers.feedforward import FeedForward
from lingon.layers.residual import PostNorm, PreNorm, Residual
from lingon.layers.sinusoidal import sinusoidal
from lingon.layers.transformer import Block, embed
from lingon.models.encoder_decoder import Memory, check_source_length, check_target_length, check_tokens
from lingon.models.option_types import (
    AttentionHeads,
    ContextLength,
    DecoderDepth,
    Depth,
    FFNWidth,
    Fraction,
    SourceVocabSize,
    TokenId,
    VocabSize,
    Width,
)
from lingon.models.registry import ModelEntry


class Transformer(nn.Module):
    """Predicts each token of the target from the previous ones and from the whole source.

    vocab_size: of the target, and of the source unless `source_vocab_size` is given. With one vocabulary, both sides
    share the embedding. tied: the target embedding is also the output matrix. depth: layers of the encoder, and of the
    decoder unless `decoder_depth` is given. ffn_width: width inside the feed-forward layers, 4 * width when 0.
    pre_norm: norms before the layers and at the end (Xiong et al. 2020), else after each sum, as in the paper. dropout:
    of the embeddings and of the output of each layer (section 5.4).
    """

    def __init__(
        self,
        vocab_size: VocabSize,
        source_vocab_size: SourceVocabSize = 0,
        width: Width = 256,
        depth: Depth = 3,
        decoder_depth: DecoderDepth = 0,
        heads: AttentionHeads = 4,
        ffn_width: FFNWidth = 0,
        context_length: ContextLength = 256,
        source_length: ContextLength = 256,
        dropout: Fraction = 0.1,
        pre_norm: bool = True,
        tied: bool = True,
        pad_id: TokenId = 0,
        start_id: TokenId = 1,
        eos_id: TokenId = 2,
    ):
        super().__init__()
        if width % heads:
            raise UserError(f"width {width} cannot be divided into {heads} heads of the same width")
        decoder_depth, ffn_width = decoder_depth or depth, ffn_width or 4 * width
        self.sizes: dict[str, Any] = {"vocab_size": vocab_size, "source_vocab_size": source_vocab_size, "width": width}
        self.sizes |= {"depth": depth, "decoder_depth": decoder_depth, "heads": heads, "ffn_width": ffn_width}
        self.sizes |= {"context_length": context_length, "source_length": source_length, "dropout": dropout}
        self.sizes |= {"pre_norm": pre_norm, "tied": tied, "pad_id": pad_id, "start_id": start_id, "eos_id": eos_id}
        self.context_length, self.source_length = context_length, source_length
        self.pad_id, self.start_id, self.eos_id = pad_id, start_id, eos_id
        self.embedding = nn.Embedding(vocab_size, width)
        self.source_embedding = nn.Embedding(source_vocab_size, width) if source_vocab_size else self.embedding
        self.register_buffer("positions", sinusoidal(max(context_length, source_length), width), persistent=False)
        self.dropout = Dropout(dropout)

        def around() -> Residual:
            return (PreNorm if pre_norm else PostNorm)(nn.LayerNorm(width), dropout)

        def attention() -> Attention:
            return Attention(width, heads, bias=(True, True))

        def feed_forward() -> FeedForward:
            return FeedForward(width, ffn_width, F.relu)

        def decoder_block() -> DecoderBlock:
            return DecoderBlock(
                attention(), CrossAttention(width, heads), feed_forward(), (around(), around(), around())
            )

        self.encoder: Any = nn.ModuleList(
            Block(attention(), feed_forward(), (around(), around())) for _ in range(depth)
        )
        self.decoder: Any = nn.ModuleList(decoder_block() for _ in range(decoder_depth))
        self.encoder_norm = nn.LayerNorm(width) if pre_norm else nn.Identity()
        self.decoder_norm = nn.LayerNorm(width) if pre_norm else nn.Identity()
        self.output = OneDNNLinear(width, vocab_size, bias=False)
        if tied:
            self.output.weight = self.embedding.weight
        _init_weights(self)

    def forward(
        self, source_ids: Int[Tensor, "B S"], source_mask: Bool[Tensor, "B S"], target_ids: Int[Tensor, "B T"]
    ) -> Float[Tensor, "B T D"]:
        """Return the hidden states after each token of whole targets, which begin with `start_id`.

        Targets are padded on the right; outputs at padding are meaningless. Raises UserError for a source or a
        target that is too long.
        """
        memory = self.encode(source_ids, source_mask)
        check_target_length(target_ids.shape[1], self.context_length)
        x = self._embedded(self.embedding, target_ids, slice(0, target_ids.shape[1]))
        seen, causal = _seen(memory.mask), AttentionMask(causal=True)
        x = teach_decoder_blocks(self.decoder, x, causal, memory.hidden, seen)
        return self.decoder_norm(x)

    def encode(self, ids: Int[Tensor, "B S"], mask: Bool[Tensor, "B S"] | None = None) -> Memory:
        """Return the hidden states of the sources. mask: False where a row is padded on the right; None: no padding.

        Raises UserError for a source of more than `source_length` tokens.
        """
        check_source_length(ids.shape[1], self.source_length)
        mask = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
        x, seen = self._embedded(self.source_embedding, ids, slice(0, ids.shape[1])), _seen(mask)
        for block in self.encoder:
            x = block(x, seen)
        return Memory(self.encoder_norm(x), mask)

    def new_state(self, memory: Memory) -> CrossAttentionCache:
        """Return the state before the first token: the keys and values of the sources."""
        return new_decoder_state(self.decoder, memory.hidden, memory.mask, self.context_length)

    def hidden(
        self, ids: Int[Tensor, "B T"], state: CrossAttentionCache, mask: Bool[Tensor, "B T"] | None = None
    ) -> tuple[Float[Tensor, "B T D"], CrossAttentionCache]:
        """Return the hidden states after each of the next tokens of the target, and the new state.

        mask: False where a row is padded on the left. Raises UserError when the context is too short.
        """
        check_tokens(ids.shape[1])
        after = state.advance(ids.shape[1], mask)
        x = self._embedded(self.embedding, ids, after.own.positions(ids.shape[1]))
        return self.decoder_norm(run_decoder_blocks(self.decoder, x, after)), after

    def head(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "... V"]:
        """Return the logits from the output of the last layer."""
        return self.output(hidden)

    def cross_attention(
        self, source_ids: Int[Tensor, "1 S"], target_ids: Int[Tensor, "1 T"]
    ) -> Float[Tensor, "L H T S"]:
        """Return the attention weights of each target token over the source tokens, in each layer and head."""
        return cross_attention_weights(self, source_ids, target_ids)

    def config(self) -> dict[str, Any]:
        return self.sizes

    def _embedded(self, embedding: nn.Embedding, ids: Tensor, positions: slice | Tensor) -> Float[Tensor, "B T D"]:
        vectors = embed(embedding, ids) * math.sqrt(embedding.embedding_dim)
        table: Any = self.positions
        return self.dropout(vectors + table[positions])


def _seen(mask: Bool[Tensor, "B S"]) -> AttentionMask | None:
    """Return the attention mask of the sources; None, which is faster, if none of them is padded."""
    traced = torch.compiler.is_compiling() or torch.jit.is_tracing()
    return padding_mask(mask) if traced or not bool(mask.all()) else None


def _init_weights(model: Transformer) -> None:
    """Initialize weights as in the authors' code: embeddings N(0, 1 / width), matrices by Glorot and Bengio (2010)."""
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)
        elif isinstance(module, nn.Linear) and module is not model.output:
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    if model.output.weight is not model.embedding.weight:
        nn.init.normal_(model.output.weight, std=model.output.in_features**-0.5)


ENTRY = ModelEntry(Transformer, defaults={"lr": 2e-3, "dropout": 0.1, "width": 256, "depth": 3})
