"""A Transformer that generates captions, with attention over the places of the image (Xu et al. 2015)."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.errors import UserError
from lingon.core.eval_view import eval_view
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.kernels.linear import OneDNNLinear
from lingon.layers.attention import Attention
from lingon.layers.attention_mask import AttentionMask
from lingon.layers.cross_attention import CrossAttention, note_cross_attention
from lingon.layers.cross_attention_cache import CrossAttentionCache
from lingon.layers.decoder_block import DecoderBlock, new_decoder_state, run_decoder_blocks, teach_decoder_blocks
from lingon.layers.feedforward import FeedForward
from lingon.layers.residual import PreNorm
from lingon.layers.sinusoidal import sinusoidal
from lingon.layers.transformer import Block, embed
from lingon.models.encoder_decoder import Memory, check_target_length, check_tokens
from lingon.models.option_types import AttentionHeads, ContextLength, Depth, Fraction, TokenId, VocabSize, Width
from lingon.models.place_encoder import PlaceEncoder
from lingon.models.registry import ModelEntry


class CaptionTransformer(nn.Module):
    """Predicts each token of a caption from the previous ones and from all places of the image.

    A residual network computes a vector for each place of 8 x 8 pixels, followed by a block of self-attention over the
    places; `depth` decoder blocks attend to them. width: of all vectors. filters: of the first convolution. dropout: of
    embeddings and of the output of each layer. Norms are before the layers; the embedding is also the output matrix.
    """

    def __init__(
        self,
        vocab_size: VocabSize,
        image_size: Width = 64,
        width: Width = 128,
        depth: Depth = 2,
        heads: AttentionHeads = 4,
        filters: Width = 32,
        context_length: ContextLength = 64,
        dropout: Fraction = 0.1,
        pad_id: TokenId = 0,
        start_id: TokenId = 1,
        eos_id: TokenId = 2,
    ):
        super().__init__()
        if width % heads:
            raise UserError(f"width {width} cannot be divided into {heads} heads of the same width")
        self.sizes: dict[str, Any] = {"vocab_size": vocab_size, "image_size": image_size, "width": width}
        self.sizes |= {"depth": depth, "heads": heads, "filters": filters, "context_length": context_length}
        self.sizes |= {"dropout": dropout, "pad_id": pad_id, "start_id": start_id, "eos_id": eos_id}
        self.image_size, self.context_length = image_size, context_length
        self.pad_id, self.start_id, self.eos_id = pad_id, start_id, eos_id

        def around() -> PreNorm:
            return PreNorm(nn.LayerNorm(width), dropout)

        def attention() -> Attention:
            return Attention(width, heads, bias=(True, True))

        def feed_forward() -> FeedForward:
            return FeedForward(width, 4 * width, F.relu)

        def decoder_block() -> DecoderBlock:
            return DecoderBlock(
                attention(), CrossAttention(width, heads), feed_forward(), (around(), around(), around())
            )

        self.encoder = PlaceEncoder(image_size, width, filters)
        self.places = Block(attention(), feed_forward(), (around(), around()))
        self.encoder_norm, self.decoder_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.embedding = nn.Embedding(vocab_size, width)
        self.register_buffer("positions", sinusoidal(context_length, width), persistent=False)
        self.decoder: Any = nn.ModuleList(decoder_block() for _ in range(depth))
        self.dropout = Dropout(dropout)
        self.output = OneDNNLinear(width, vocab_size, bias=False)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.output.weight = self.embedding.weight

    def forward(self, images: Float[Tensor, "B C H W"], ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T D"]:
        """Return the hidden states after each token of whole captions, which begin with `start_id`.

        Captions are padded on the right; outputs at padding are meaningless. Raises UserError for one that is too long.
        """
        check_target_length(ids.shape[1], self.context_length)
        x, causal = self._embedded(ids, slice(0, ids.shape[1])), AttentionMask(causal=True)
        return self.decoder_norm(teach_decoder_blocks(self.decoder, x, causal, self.encode(images).hidden, None))

    def encode(self, images: Float[Tensor, "B C H W"]) -> Memory:
        """Return the vectors of the places of images."""
        x = self.encoder_norm(self.places(self.encoder(images), None))
        return Memory(x, x.new_ones(x.shape[:2], dtype=torch.bool))

    def new_state(self, memory: Memory) -> CrossAttentionCache:
        """Return the state before the first token: the keys and values of the places."""
        return new_decoder_state(self.decoder, memory.hidden, memory.mask, self.context_length)

    def hidden(
        self, ids: Int[Tensor, "B T"], state: CrossAttentionCache, mask: Bool[Tensor, "B T"] | None = None
    ) -> tuple[Float[Tensor, "B T D"], CrossAttentionCache]:
        """Return the hidden states after each of the next tokens of the caption, and the new state.

        mask: False where a row is padded on the left. Raises UserError when the context is too short.
        """
        check_tokens(ids.shape[1])
        after = state.advance(ids.shape[1], mask)
        x = self._embedded(ids, after.own.positions(ids.shape[1]))
        return self.decoder_norm(run_decoder_blocks(self.decoder, x, after)), after

    def head(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "... V"]:
        """Return the logits from the output of the last layer."""
        return self.output(hidden)

    def features(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B F"]:
        """Return one vector for each image, for comparing images."""
        return self.encoder.features(images)

    @torch.no_grad()
    def place_attention(
        self, images: Float[Tensor, "1 C H W"], ids: Int[Tensor, "1 T"]
    ) -> Float[Tensor, "T rows columns"]:
        """Return the attention weights of each caption token over the places: the mean of all heads and layers."""
        view = eval_view(self)
        found = note_cross_attention(view)
        view(images, ids)
        return torch.cat(found).float().mean((0, 1)).unflatten(1, (self.encoder.side, self.encoder.side))

    def config(self) -> dict[str, Any]:
        return self.sizes

    def _embedded(self, ids: Tensor, positions: slice | Tensor) -> Float[Tensor, "B T D"]:
        vectors = embed(self.embedding, ids) * math.sqrt(self.embedding.embedding_dim)
        table: Any = self.positions
        return self.dropout(vectors + table[positions])


ENTRY = ModelEntry(CaptionTransformer, defaults={"lr": 1e-3, "dropout": 0.1, "width": 128, "depth": 2})
