"""T5 and its relatives: v1.1, Flan-T5, mT5 (Raffel et al. 2020; Xue et al. 2021)."""

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
from lingon.layers.feedforward import FeedForward, GatedFeedForward
from lingon.layers.norm import RMSNorm
from lingon.layers.relative_position import distances, t5_bucket
from lingon.layers.residual import PreNorm
from lingon.layers.transformer import Block, embed
from lingon.models.bart import eos_of
from lingon.models.bert import init_bert
from lingon.models.config_sizes import ConfigReader
from lingon.models.decoder_families import ACTIVATIONS, DEEPEST
from lingon.models.encoder import run_tokens
from lingon.models.encoder_decoder import Memory, check_source_length, check_target_length, check_tokens
from lingon.models.hub_weights import HubWeight
from lingon.models.registry import ModelEntry

LONGEST = 1 << 14  # maximum tokens: distances are unlimited, but memory grows with the square of the length
GATED = "gated-"


class T5(nn.Module):
    """Encodes a source, then generates the target; positions are attention biases of distances (Raffel et al. 2020).

    sizes: the values of config.json. scaled: hidden states are multiplied by width ** -0.5 before the output layer, as
    in the first T5, whose embedding is also the output matrix. Submodules have the names of those of
    `lingon.models.transformer.Transformer`.
    """

    def __init__(self, sizes: ConfigReader, scaled: bool):
        super().__init__()
        self.tie_key = "tied_output"
        tied = sizes.flag("tied_output", sizes.flag("tie_word_embeddings", True))
        # The key for tied weights determines whether a T5 scales its logits; the weights show whether they are tied.
        said = {"tied_output": tied, "scale_decoder_outputs": scaled}
        self.sizes = sizes.as_dict() | said | {"tie_word_embeddings": tied if sizes.family == "mt5" else scaled}
        self.family, self.source_length, self.context_length = sizes.family, LONGEST, LONGEST
        width, vocab_size = sizes.integer("d_model", 512, most=1 << 16), sizes.integer("vocab_size", 32_128)
        last = vocab_size - 1
        self.pad_id = sizes.integer("pad_token_id", 0, least=0, most=last)
        self.eos_id = eos_of(sizes, 1, last)
        self.start_id = sizes.integer("decoder_start_token_id", self.pad_id, least=0, most=last)
        self.output_scale = width**-0.5 if scaled else 1.0
        self.embedding = nn.Embedding(vocab_size, width)
        self.dropout = Dropout(sizes.fraction("dropout_rate", 0.1))
        made = _Blocks(sizes, width)
        self.buckets = sizes.integer("relative_attention_num_buckets", 32, least=4, most=1 << 12)
        self.farthest = sizes.integer("relative_attention_max_distance", 128, least=self.buckets)
        self.encoder_bias, self.decoder_bias = (nn.Embedding(self.buckets, made.heads) for _ in range(2))
        self.encoder: Any = nn.ModuleList(made.encoder())
        self.decoder: Any = nn.ModuleList(made.decoder())
        self.encoder_norm, self.decoder_norm = made.norm(), made.norm()
        self.output = OneDNNLinear(width, vocab_size, bias=False)
        if tied:
            self.output.weight = self.embedding.weight
        init_bert(self)

    @property
    def source_embedding(self) -> nn.Embedding:
        """Return the embedding of the source, which is shared with the target."""
        return self.embedding

    def forward(
        self, source_ids: Int[Tensor, "B S"], source_mask: Bool[Tensor, "B S"], target_ids: Int[Tensor, "B T"]
    ) -> Float[Tensor, "B T D"]:
        """Return the hidden states after each token of whole targets, which begin with `start_id`.

        Targets are padded on the right; outputs at padding are meaningless. Raises UserError for a source or a
        target that is too long.
        """
        memory, columns = self.encode(source_ids, source_mask), target_ids.shape[1]
        check_target_length(columns, self.context_length)
        x, seen = self.dropout(embed(self.embedding, target_ids)), padding_mask(memory.mask)
        past = torch.ones(columns, columns, dtype=torch.bool, device=x.device).tril()
        causal = AttentionMask(past, bias=self._bias_before(columns, columns))
        x = teach_decoder_blocks(self.decoder, x, causal, memory.hidden, seen)
        return self.dropout(self.decoder_norm(x))

    def encode(self, ids: Int[Tensor, "B S"], mask: Bool[Tensor, "B S"] | None = None) -> Memory:
        """Return the hidden states of the sources. mask: False where a row is padded on the right; None: no padding.

        Raises UserError for a source of more than `source_length` tokens.
        """
        check_source_length(ids.shape[1], self.source_length)
        mask = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
        return Memory(run_tokens(self._encode, ids, mask, None, self.source_length), mask)

    def _encode(self, ids: Tensor, positions: Tensor, token_types: Tensor | None, mask: AttentionMask) -> Tensor:
        x = self.dropout(embed(self.embedding, ids))
        longest = ids.shape[1] if mask.lengths is None else mask.lengths[-1]
        bucket = t5_bucket(distances(longest, x.device), self.buckets, self.farthest)
        biased = AttentionMask(mask.mask, lengths=mask.lengths, bias=self.encoder_bias(bucket).permute(2, 0, 1)[None])
        biased = AttentionMask(lengths=mask.lengths, bias=biased.added(x.dtype))  # computed once for all blocks
        for block in self.encoder:
            x = block(x, biased)
        return self.dropout(self.encoder_norm(x))

    def _bias_before(self, columns: int, length: int) -> Float[Tensor, "1 H T S"]:
        """Return the biases of the last `columns` of `length` tokens for causal attention."""
        place = torch.arange(length, device=self.decoder_bias.weight.device)
        distance = place[length - columns :, None] - place
        # Half of the buckets are for later tokens; causal attention has none, so all buckets are for previous ones.
        bucket = t5_bucket(distance.clamp(min=0), 2 * self.buckets, self.farthest)
        return self.decoder_bias(bucket).permute(2, 0, 1)[None]

    def new_state(self, memory: Memory) -> CrossAttentionCache:
        """Return the state before the first token: the keys and values of the sources."""
        return new_decoder_state(self.decoder, memory.hidden, memory.mask, self.context_length)

    def hidden(
        self, ids: Int[Tensor, "B T"], state: CrossAttentionCache, mask: Bool[Tensor, "B T"] | None = None
    ) -> tuple[Float[Tensor, "B T D"], CrossAttentionCache]:
        """Return the hidden states after each of the next tokens of the target, and the new state.

        mask: False where a row is padded on the left. Raises UserError when the context is too short.
        """
        columns = ids.shape[1]
        check_tokens(columns)
        after = state.advance(columns, mask)
        x = self.dropout(embed(self.embedding, ids))
        x = run_decoder_blocks(self.decoder, x, after, self._bias_before(columns, after.length))
        return self.dropout(self.decoder_norm(x)), after

    def head(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "... V"]:
        """Return the logits from the output of the last layer."""
        return self.output(hidden * self.output_scale)

    def cross_attention(
        self, source_ids: Int[Tensor, "1 S"], target_ids: Int[Tensor, "1 T"]
    ) -> Float[Tensor, "L H T S"]:
        """Return the attention weights of each target token over the source tokens, in each layer and head."""
        return cross_attention_weights(self, source_ids, target_ids)

    def config(self) -> dict[str, Any]:
        return self.sizes


class _Blocks:
    """The blocks of both sides, from config.json."""

    def __init__(self, sizes: ConfigReader, width: int):
        self.sizes, self.width = sizes, width
        self.heads, self.head_width = sizes.integer("num_heads", 8, most=1024), sizes.integer("d_kv", 64, most=1 << 14)
        self.ffn_width = sizes.integer("d_ff", 2048, most=1 << 20)
        self.depth = sizes.integer("num_layers", 6, most=DEEPEST)
        self.dropout = sizes.fraction("dropout_rate", 0.1)
        self.epsilon = sizes.number("layer_norm_epsilon", 1e-6, most=1.0)
        usual = f"{GATED}gelu" if sizes.family == "mt5" else "relu"
        kind = sizes.choice("feed_forward_proj", usual, [*ACTIVATIONS, *(f"{GATED}{name}" for name in ACTIVATIONS)])
        self.gated = kind.startswith(GATED)
        self.activation = ACTIVATIONS["gelu_new" if kind == f"{GATED}gelu" else kind.removeprefix(GATED)]

    def encoder(self) -> Iterator[Block]:
        for _ in range(self.depth):
            yield Block(self._attention(), self._feed_forward(), (self._around(), self._around()))

    def decoder(self) -> Iterator[DecoderBlock]:
        for _ in range(self.sizes.integer("num_decoder_layers", self.depth, most=DEEPEST)):
            sides, around = (self.width, self.heads, None, self.head_width), self._around
            cross = CrossAttention(*sides, bias=(False, False), scale=1.0, dropout=self.dropout)
            yield DecoderBlock(self._attention(), cross, self._feed_forward(), (around(), around(), around()))

    def norm(self) -> RMSNorm:
        return RMSNorm(self.width, self.epsilon)

    def _attention(self) -> Attention:
        return Attention(self.width, self.heads, head_width=self.head_width, scale=1.0, dropout=self.dropout)

    def _feed_forward(self) -> nn.Module:
        make = GatedFeedForward if self.gated else FeedForward
        return make(self.width, self.ffn_width, self.activation, bias=False)

    def _around(self) -> PreNorm:
        return PreNorm(self.norm(), self.dropout)


def t5(sizes: ConfigReader) -> T5:
    """Build T5 (Raffel et al. 2020), v1.1 or Flan-T5 (Chung et al. 2022)."""
    return T5(sizes, sizes.flag("scale_decoder_outputs", sizes.flag("tie_word_embeddings", True)))


def mt5(sizes: ConfigReader) -> T5:
    """Build mT5 (Xue et al. 2021), whose logits are not scaled."""
    return T5(sizes, scaled=False)


WHOLE = {
    "embedding": "shared",
    "encoder_bias": "encoder.block.0.layer.0.SelfAttention.relative_attention_bias",
    "decoder_bias": "decoder.block.0.layer.0.SelfAttention.relative_attention_bias",
    "encoder_norm": "encoder.final_layer_norm",
    "decoder_norm": "decoder.final_layer_norm",
    "output": "lm_head",
}
PARTS = {
    "attention.qkv": ("layer.0.SelfAttention.q", "layer.0.SelfAttention.k", "layer.0.SelfAttention.v"),
    "attention.out": ("layer.0.SelfAttention.o",),
    "around_attention.pre_norm": ("layer.0.layer_norm",),
    "cross_attention.q": ("layer.1.EncDecAttention.q",),
    "cross_attention.kv": ("layer.1.EncDecAttention.k", "layer.1.EncDecAttention.v"),
    "cross_attention.out": ("layer.1.EncDecAttention.o",),
    "around_cross_attention.pre_norm": ("layer.1.layer_norm",),
    "feed_forward.down": ("layer.{}.DenseReluDense.wo",),
    "around_feed_forward.pre_norm": ("layer.{}.layer_norm",),
}
UP, GATED_UP = ("layer.{}.DenseReluDense.wi",), ("layer.{}.DenseReluDense.wi_0", "layer.{}.DenseReluDense.wi_1")


def t5_weights(model: nn.Module) -> Iterator[HubWeight]:
    """Yield each weight of a T5 with its name in checkpoints. A tied output matrix is not stored."""
    of_model: Any = model
    gated = isinstance(of_model.encoder[0].feed_forward, GatedFeedForward)
    parts = PARTS | {"feed_forward.up": GATED_UP if gated else UP}
    for name, tensor in model.named_parameters():
        module, _, kind = name.rpartition(".")
        if module in WHOLE:
            yield HubWeight(name, (f"{WHOLE[module]}.{kind}",), (len(tensor),))
            continue
        side, layer, part = module.split(".", 2)
        last = 1 if side == "encoder" else 2
        names = tuple(f"{side}.block.{layer}.{each.format(last)}.{kind}" for each in parts[part])
        yield HubWeight(name, names, (len(tensor) // len(names),) * len(names))


ENTRY = ModelEntry(T5, hub_config=T5.config, hub_weights=t5_weights)
