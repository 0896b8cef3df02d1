"""BART and the encoder-decoders that differ from it in norms, positions and embeddings: mBART, Marian, M2M100, NLLB."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

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
from lingon.layers.transformer import Block, embed
from lingon.models.bart_layout import bart_weights
from lingon.models.bart_variants import BART_ITSELF, M2M100, MARIAN, MBART, Variant
from lingon.models.bert import init_bert
from lingon.models.config_sizes import ConfigReader
from lingon.models.decoder_families import ACTIVATIONS, DEEPEST
from lingon.models.encoder import run_tokens
from lingon.models.encoder_decoder import Memory, check_source_length, check_target_length, check_tokens
from lingon.models.registry import ModelEntry


class BART(nn.Module):
    """Encodes a source bidirectionally, then generates the target from left to right (Lewis et al. 2020).

    sizes: the values of config.json. variant: the family member. tied: the target embedding is also the output matrix.
    tie_key: the key for that in config.json. Submodules have the names of those of
    `lingon.models.transformer.Transformer`.
    """

    tie_key = "tie_word_embeddings"

    def __init__(self, sizes: ConfigReader, variant: Variant):
        super().__init__()
        variant.check(sizes)
        self.sizes, self.family = sizes.as_dict(), sizes.family
        width = sizes.integer("d_model", 1024, most=1 << 16)
        vocab_size, length = sizes.integer("vocab_size"), sizes.integer("max_position_embeddings", 1024)
        self.source_length = self.context_length = length
        self._set_ids(sizes, variant)
        dropout = sizes.fraction("dropout", 0.1)
        shared = sizes.flag("share_encoder_decoder_embeddings", True)
        target_size = vocab_size if shared else sizes.integer("decoder_vocab_size", vocab_size)
        self.embedding = nn.Embedding(target_size, width)
        self.source_embedding = self.embedding if shared else nn.Embedding(vocab_size, width)
        self.embedding_scale = math.sqrt(width) if sizes.flag("scale_embedding", variant.scaled) else 1.0
        self.source_positions, self.positions = (variant.positions(length, width, self.pad_id) for _ in range(2))
        norm = nn.LayerNorm if variant.embedding_norm else nn.Identity
        self.source_embedding_norm, self.embedding_norm = norm(width), norm(width)
        self.dropout = Dropout(dropout)
        made = _Blocks(sizes, variant, width, dropout)
        self.encoder: Any = nn.ModuleList(made.encoder())
        self.decoder: Any = nn.ModuleList(made.decoder())
        last = nn.LayerNorm if variant.pre_norm else nn.Identity
        self.encoder_norm, self.decoder_norm = last(width), last(width)
        self.output = OneDNNLinear(width, target_size, bias=False)
        if sizes.flag("tie_word_embeddings", True):
            self.output.weight = self.embedding.weight
        # Set by the creator of the checkpoint, not trained; a row, as it is stored.
        bias = nn.Parameter(torch.zeros(1, target_size), requires_grad=False) if variant.bias else None
        self.output_bias = bias
        init_bert(self)

    def _set_ids(self, sizes: ConfigReader, variant: Variant) -> None:
        last = sizes.integer("vocab_size") - 1
        self.pad_id = sizes.integer("pad_token_id", min(variant.pad_id, last), least=0, most=last)
        self.eos_id = eos_of(sizes, variant.eos_id, last)
        usual = self.pad_id if sizes.family == "marian" else self.eos_id
        self.start_id = sizes.integer("decoder_start_token_id", usual, least=0, most=last)

    def forward(
        self, source_ids: Int[Tensor, "B S"], source_mask: Bool[Tensor, "B S"], target_ids: Int[Tensor, "B T"]
    ) -> Float[Tensor, "B T D"]:
        """Return the hidden states after each token of whole targets, which begin with `start_id`.

        Targets are padded on the right; outputs at padding are meaningless. Raises UserError for a source or a
        target that is too long.
        """
        memory, columns = self.encode(source_ids, source_mask), target_ids.shape[1]
        check_target_length(columns, self.context_length)
        x, seen, causal = (
            self._target(target_ids, slice(0, columns)),
            padding_mask(memory.mask),
            AttentionMask(causal=True),
        )
        x = teach_decoder_blocks(self.decoder, x, causal, memory.hidden, seen)
        return self.decoder_norm(x)

    def encode(self, ids: Int[Tensor, "B S"], mask: Bool[Tensor, "B S"] | None = None) -> Memory:
        """Return the hidden states of the sources. mask: False where a row is padded on the right; None: no padding.

        Raises UserError for a source of more than `source_length` tokens.
        """
        check_source_length(ids.shape[1], self.source_length)
        mask = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
        return Memory(run_tokens(self._encode, ids, mask, None, self.source_length), mask)

    def _encode(self, ids: Tensor, positions: Tensor, token_types: Tensor | None, mask: AttentionMask) -> Tensor:
        x = embed(self.source_embedding, ids) * self.embedding_scale
        x = self.dropout(self.source_embedding_norm(x + self.source_positions(positions, x)))
        for block in self.encoder:
            x = block(x, mask)
        return self.encoder_norm(x)

    def _target(self, ids: Tensor, positions: slice | Tensor) -> Tensor:
        x = embed(self.embedding, ids) * self.embedding_scale
        return self.dropout(self.embedding_norm(x + self.positions(positions, x)))

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
        x = self._target(ids, after.own.positions(ids.shape[1]))
        return self.decoder_norm(run_decoder_blocks(self.decoder, x, after)), after

    def head(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "... V"]:
        """Return the logits from the output of the last layer."""
        logits = self.output(hidden)
        if self.output_bias is None:
            return logits
        # In place if no gradient is needed: the logits of a batch of beams are tens of megabytes.
        return logits + self.output_bias[0] if logits.requires_grad else logits.add_(self.output_bias[0])

    def cross_attention(
        self, source_ids: Int[Tensor, "1 S"], target_ids: Int[Tensor, "1 T"]
    ) -> Float[Tensor, "L H T S"]:
        """Return the attention weights of each target token over the source tokens, in each layer and head."""
        return cross_attention_weights(self, source_ids, target_ids)

    def config(self) -> dict[str, Any]:
        return self.sizes


class _Blocks:
    """The blocks of both sides, from config.json."""

    def __init__(self, sizes: ConfigReader, variant: Variant, width: int, dropout: float):
        self.sizes, self.width, self.dropout = sizes, width, dropout
        self.residual = PreNorm if variant.pre_norm else PostNorm
        self.attention_dropout = sizes.fraction("attention_dropout", 0.0)
        self.activation = ACTIVATIONS[sizes.choice("activation_function", variant.activation, ACTIVATIONS)]

    def encoder(self) -> Iterator[Block]:
        heads = self._heads("encoder")
        for _ in range(self.sizes.integer("encoder_layers", 12, most=DEEPEST)):
            yield Block(self._attention(heads), self._feed_forward("encoder"), (self._around(), self._around()))

    def decoder(self) -> Iterator[DecoderBlock]:
        heads = self._heads("decoder")
        for _ in range(self.sizes.integer("decoder_layers", 12, most=DEEPEST)):
            cross = CrossAttention(self.width, heads, dropout=self.attention_dropout)
            around = self._around(), self._around(), self._around()
            yield DecoderBlock(self._attention(heads), cross, self._feed_forward("decoder"), around)

    def _heads(self, side: str) -> int:
        return self.sizes.divisor(f"{side}_attention_heads", 16, "d_model", self.width)

    def _attention(self, heads: int) -> Attention:
        return Attention(self.width, heads, bias=(True, True), dropout=self.attention_dropout)

    def _feed_forward(self, side: str) -> FeedForward:
        return FeedForward(self.width, self.sizes.integer(f"{side}_ffn_dim", 4096, most=1 << 20), self.activation)

    def _around(self) -> Residual:
        return self.residual(nn.LayerNorm(self.width), self.dropout)


def eos_of(sizes: ConfigReader, default: int, last: int) -> int:
    """Return the id that ends a target; the first one if config.json has several."""
    value = sizes.config.get("eos_token_id")
    if isinstance(value, list) and value:
        return ConfigReader({"eos_token_id": value[0]}, sizes.family).integer("eos_token_id", least=0, most=last)
    return sizes.integer("eos_token_id", min(default, last), least=0, most=last)


def bart(sizes: ConfigReader) -> BART:
    """Build BART (Lewis et al. 2020)."""
    return BART(sizes, BART_ITSELF)


def mbart(sizes: ConfigReader) -> BART:
    """Build mBART (Liu et al. 2020; with 50 languages, Tang et al. 2020): norms before the layers."""
    return BART(sizes, MBART)


def marian(sizes: ConfigReader) -> BART:
    """Build a Marian model (Junczys-Dowmunt et al. 2018), such as those of OPUS-MT (Tiedemann and Thottingal 2020)."""
    return BART(sizes, MARIAN)


def m2m_100(sizes: ConfigReader) -> BART:
    """Build M2M100 (Fan et al. 2021) or NLLB (NLLB Team 2022): norms before the layers, fixed positions."""
    return BART(sizes, M2M100)


ENTRY = ModelEntry(BART, hub_config=BART.config, hub_weights=bart_weights)
