"""A reader of questions over a memory: words attend to the memory, and their weighted mean predicts the answer."""

from collections.abc import Iterable
from typing import NamedTuple, cast

import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.layers.cross_attention import CrossAttention
from lingon.layers.cross_attention_cache import LayerMemory
from lingon.layers.embedding import Embedding
from lingon.layers.feedforward import GatedFeedForward
from lingon.layers.recurrent import BidirectionalLayers
from lingon.layers.residual import PreNorm


class QuestionAttention(NamedTuple):
    """The weight of each word, and its attention over the places of the memory."""

    words: Float[Tensor, "B Q T"]
    places: Float[Tensor, "B Q T S"]


class CrossAttentionBlock(nn.Module):
    """Attention from words to a memory, then a gated feed-forward layer, each in a residual connection.

    The gate multiplies features of the question with those of the image, so that "is this red?" is a single product.
    """

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.around_cross_attention = PreNorm(nn.LayerNorm(width), dropout)
        self.cross_attention = CrossAttention(width, heads)
        self.around_feed_forward = PreNorm(nn.LayerNorm(width), dropout)
        self.feed_forward = GatedFeedForward(width, 2 * width)

    def forward(self, x: Float[Tensor, "B N D"], memory: Float[Tensor, "B S D"]) -> Float[Tensor, "B N D"]:
        x = self.around_cross_attention(
            x, lambda y: self.cross_attention(y, LayerMemory(*self.cross_attention.keys_values(memory)))
        )
        return self.around_feed_forward(x, self.feed_forward)

    def weights(self, x: Float[Tensor, "B N D"], memory: Float[Tensor, "B S D"]) -> Float[Tensor, "B N S"]:
        """Return the attention weights of each word over the places, the mean of the heads."""
        return self.cross_attention.weights(
            self.around_cross_attention.pre_norm(x), LayerMemory(*self.cross_attention.keys_values(memory))
        ).mean(1)


class QuestionReader(nn.Module):
    """embedding -> bidirectional GRU -> blocks of attention to the memory -> weighted mean of words -> linear layer.

    width: D, of words and of the memory; even. depth: blocks. Source: the attention from words to places is that of
    Lu et al. 2016, "Hierarchical question-image co-attention", section 3.3, with the heads of Vaswani et al. 2017.
    Raises UserError for a width that is odd.
    """

    def __init__(self, vocab_size: int, classes: int, width: int, depth: int, heads: int, dropout: float, pad: int):
        super().__init__()
        if width % 2:
            raise UserError(f"width is {width}, expected an even number: half of it for each direction of a question")
        self.embedding = Embedding(vocab_size, width, padding_idx=pad)
        self.gru = BidirectionalLayers(width, width // 2, 1, recurrent=nn.GRU)
        self.memory_norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(CrossAttentionBlock(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.importance = nn.Linear(width, 1)
        self.dropout = Dropout(dropout)
        self.out = nn.Linear(width, classes)

    def forward(
        self, memory: Float[Tensor, "B S D"], ids: Int[Tensor, "B Q T"], mask: Bool[Tensor, "B Q T"]
    ) -> Float[Tensor, "B Q C"]:
        """Return the logits of the answers to Q questions over each memory."""
        memory, x = self.memory_norm(memory), self.words(ids, mask)
        for block in self._blocks():
            x = block(x, memory)
        x = self.norm(x).unflatten(1, ids.shape[1:])
        mixed = torch.einsum("bqt,bqtd->bqd", self.word_weights(x, mask), x)
        return self.out(self.dropout(mixed))

    @torch.no_grad()
    def attention(
        self, memory: Float[Tensor, "B S D"], ids: Int[Tensor, "B Q T"], mask: Bool[Tensor, "B Q T"]
    ) -> QuestionAttention:
        """Return the weights of words, and their attention over places (the mean over all blocks and heads)."""
        memory, x, seen = self.memory_norm(memory), self.words(ids, mask), []
        for block in self._blocks():
            seen.append(block.weights(x, memory))
            x = block(x, memory)
        x = self.norm(x).unflatten(1, ids.shape[1:])
        return QuestionAttention(self.word_weights(x, mask), torch.stack(seen).mean(0).unflatten(1, ids.shape[1:]))

    def _blocks(self) -> Iterable[CrossAttentionBlock]:
        return cast(Iterable[CrossAttentionBlock], self.blocks)

    def words(self, ids: Int[Tensor, "B Q T"], mask: Bool[Tensor, "B Q T"]) -> Float[Tensor, "B N D"]:
        """Return the vectors of the words of all questions, N = Q * T."""
        states, _ = self.gru(self.dropout(self.embedding(ids.flatten(0, 1))), mask.flatten(0, 1))
        return states.unflatten(0, ids.shape[:2]).flatten(1, 2)

    def word_weights(self, x: Float[Tensor, "B Q T D"], mask: Bool[Tensor, "B Q T"]) -> Float[Tensor, "B Q T"]:
        """Return the weights of words, which sum to 1; equal for an empty question."""
        seen = mask | ~mask.any(-1, keepdim=True)
        return self.importance(x)[..., 0].masked_fill(~seen, -torch.inf).softmax(-1)
