"""BERT and the encoders that differ from it only in their embeddings: RoBERTa, XLM-R, DistilBERT, ELECTRA."""

from typing import Any

import torch.nn.functional as F
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.kernels.linear import OneDNNLinear
from lingon.layers.attention import Attention
from lingon.layers.attention_mask import AttentionMask, padding_mask
from lingon.layers.feedforward import Activation, FeedForward
from lingon.layers.packing import Packed, pack, worth_packing
from lingon.layers.residual import PostNorm
from lingon.layers.transformer import Block, embed
from lingon.models.bert_layout import bert_config, bert_weights
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


class BERT(nn.Module):
    """Computes a contextual vector for each token (Devlin et al. 2019).

    width: D. context_length: maximum number of tokens. token_types: number of token types, 2 for pairs; 0 for a model
    without them, such as DistilBERT. embedding_width: of token embeddings, which are projected to `width` if it differs
    (ELECTRA: Clark et al. 2020). position_offset: row of the first token's position; RoBERTa starts after its padding
    id (Liu et al. 2019). sizes: returned by `config`.
    """

    def __init__(
        self,
        vocab_size: int,
        width: int,
        depth: int,
        heads: int,
        context_length: int,
        ffn_width: int,
        sizes: dict[str, Any],
        dropout: tuple[float, float] = (0.1, 0.1),
        activation: Activation = F.gelu,
        epsilon: float = 1e-12,
        token_types: int = 2,
        embedding_width: int | None = None,
        position_offset: int = 0,
    ):
        super().__init__()
        self.width, self.context_length, self.position_offset = width, context_length, position_offset
        self.sizes = sizes
        hidden_dropout, attention_dropout = dropout
        inner = embedding_width or width
        self.embedding = nn.Embedding(vocab_size, inner)
        self.positions = nn.Embedding(position_offset + context_length, inner)
        self.token_types = nn.Embedding(token_types, inner) if token_types else None
        self.embedding_norm = nn.LayerNorm(inner, eps=epsilon)
        self.embedding_dropout = Dropout(hidden_dropout)
        self.projection = OneDNNLinear(inner, width) if inner != width else None

        def around() -> PostNorm:
            return PostNorm(nn.LayerNorm(width, eps=epsilon), hidden_dropout)

        def block() -> Block:
            attention = Attention(width, heads, bias=(True, True), dropout=attention_dropout)
            return Block(attention, FeedForward(width, ffn_width, activation), (around(), around()))

        self.blocks: Any = nn.ModuleList(block() for _ in range(depth))
        init_bert(self)

    def forward(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"], token_types: Int[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B T D"]:
        """Return the hidden states of the last layer.

        mask: False where a row is padded. token_types: 0 for the first text of a pair, 1 for the second; by default
        all 0. If rows are padded, on a CPU, only tokens are computed, and padding is zero. Raises UserError for more
        tokens than the context length, and for unknown ids and token types.
        """
        if worth_packing(mask):
            packed = pack(mask)
            types = None if token_types is None else packed.take(token_types)
            return packed.put_back(self.packed(packed.take(ids), packed, types))
        positions = (mask.cumsum(1) - 1).clamp(min=0) + self.position_offset
        if self.position_offset:  # in RoBERTa, padding has the row before that of the first token
            positions = positions.masked_fill(~mask, self.position_offset - 1)
        return self._run(ids, positions, token_types, padding_mask(mask), ids.shape[1])

    def packed(
        self, ids: Int[Tensor, "1 N"], packed: Packed, token_types: Int[Tensor, "1 N"] | None = None
    ) -> Float[Tensor, "1 N D"]:
        """Return the hidden states of packed texts, without padding between them."""
        positions = packed.positions + self.position_offset
        return self._run(ids, positions, token_types, packed.attention_mask, packed.longest)

    def _run(
        self, ids: Tensor, positions: Tensor, token_types: Tensor | None, mask: AttentionMask, longest: int
    ) -> Float[Tensor, "B T D"]:
        if longest > self.context_length:
            raise UserError(
                f"a text has {longest:,} tokens, the model reads at most {self.context_length:,}; cut longer ones"
            )
        x = embed(self.embedding, ids) + self.positions(positions) + self._types(ids, token_types)
        x = self.embedding_dropout(self.embedding_norm(x))
        if self.projection is not None:
            x = self.projection(x)
        for block in self.blocks:
            x = block(x, mask)
        return x

    def _types(self, ids: Tensor, token_types: Tensor | None) -> Tensor | float:
        if self.token_types is None:
            return 0.0
        if token_types is None or self.token_types.num_embeddings == 1:  # RoBERTa has one, for both texts of a pair
            return self.token_types.weight[0]
        return embed(self.token_types, token_types)

    def config(self) -> dict[str, Any]:
        return self.sizes


def init_bert(model: nn.Module, std: float = 0.02) -> None:
    """Initialize weights as in BERT: N(0, 0.02), biases 0 (Devlin et al. 2019, their code)."""
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=std)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)


def bert(
    vocab_size: VocabSize,
    width: Width = 128,
    depth: Depth = 2,
    heads: AttentionHeads = 4,
    context_length: ContextLength = 512,
    ffn_width: FFNWidth = 0,
    dropout: Fraction = 0.1,
    epsilon: NonNegative = 1e-12,
) -> BERT:
    """Return a BERT of these sizes. ffn_width: width inside the feed-forward layers, 4 * width when 0."""
    ffn_width = ffn_width or 4 * width
    sizes: dict[str, Any] = {"vocab_size": vocab_size, "width": width, "depth": depth, "heads": heads}
    sizes |= {"context_length": context_length, "ffn_width": ffn_width, "dropout": dropout, "epsilon": epsilon}
    return BERT(
        vocab_size, width, depth, heads, context_length, ffn_width, sizes, dropout=(dropout, dropout), epsilon=epsilon
    )


ENTRY = ModelEntry(bert, hub_config=bert_config, hub_weights=bert_weights, defaults={"lr": 1e-4, "epochs": 3})
