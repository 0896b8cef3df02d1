"""A BiLSTM with structured self-attention: several weighted means of its states (Lin et al. 2017)."""

from typing import Any

from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.dropout import Dropout
from lingon.layers.embedding import Embedding
from lingon.layers.recurrent import BidirectionalLayers
from lingon.layers.structured_attention import StructuredAttention, attention_overlap
from lingon.models.option_types import (
    AttentionHeads,
    Classes,
    Fraction,
    NonNegative,
    PaddingIdx,
    VocabSize,
    Whole,
    Width,
)
from lingon.models.registry import Expression, ModelEntry


class SelfAttentive(nn.Module):
    """M = A H: `hops` weighted means of the BiLSTM's states H, with weights A over the tokens that are not padding.

    Source: Lin et al. 2017, "A Structured Self-attentive Sentence Embedding". After a forward pass in training,
    `penalty()` is a term of the loss: penalty_weight * ||A A^T - I||^2, which makes the hops different.
    """

    def __init__(
        self,
        vocab_size: VocabSize,
        classes: Classes,
        width: Width = 100,
        hidden: Width = 100,
        attention: Whole = 50,
        hops: AttentionHeads = 4,
        dropout: Fraction = 0.5,
        penalty_weight: NonNegative = 0.01,
        padding_idx: PaddingIdx = 0,
    ):
        super().__init__()
        self.sizes: dict[str, Any] = {"vocab_size": vocab_size, "classes": classes, "width": width, "hidden": hidden}
        self.sizes |= {"attention": attention, "hops": hops, "dropout": dropout, "penalty_weight": penalty_weight}
        self.sizes["padding_idx"] = padding_idx
        self.embedding = Embedding(vocab_size, width, padding_idx=padding_idx)
        self.lstm = BidirectionalLayers(width, hidden, depth=1)
        self.attend = StructuredAttention(2 * hidden, attention, hops)
        self.dropout = Dropout(dropout)
        self.out = nn.Linear(hops * 2 * hidden, classes)
        self._weights = None

    def forward(self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B C"]:
        states, _ = self.lstm(self.dropout(self.embedding(ids)), mask)
        weights = self.attend(states, mask)
        self._weights = weights if self.training else None
        return self.out(self.dropout((weights @ states).flatten(1)))

    def attention(self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B hops T"]:
        """Return the attention weights of each hop over the tokens."""
        states, _ = self.lstm(self.embedding(ids), mask)
        return self.attend(states, mask)

    def penalty(self) -> Float[Tensor, ""] | float:
        """Return the penalty of the last forward pass in training, once; 0 if there was none."""
        weights, self._weights = self._weights, None
        return 0.0 if weights is None else self.sizes["penalty_weight"] * attention_overlap(weights)

    def config(self) -> dict:
        return self.sizes


def program(model: SelfAttentive, ids: Expression, mask: Expression) -> Expression:
    """Return the logits as an expression of `lingon.program`."""
    from lingon import program as P
    from lingon.layers import expressions as E

    states, _ = E.bilstm(model.lstm, E.embedded(model.embedding.weight, ids), mask)
    first, second = model.attend.first.weight, model.attend.second.weight
    scores = P.matmul(P.tanh(P.matmul(states, E.tensor_constant(first.T))), E.tensor_constant(second.T))
    scores = P.where(P.expand_dims(mask, 1), P.transpose(scores, (0, 2, 1)), E.LOWEST)
    weights = P.softmax(scores, -1) * P.expand_dims(mask, 1).astype("float32")
    return E.linear(P.matmul(weights, states).reshape(-1, model.out.in_features), model.out)


# Chosen on the validation texts of film reviews; see docs/log.md for what was tried.
ENTRY = ModelEntry(
    SelfAttentive,
    program=program,
    defaults={
        "max_tokens_per_batch": 16_384,
        "batch_size": 64,
        "vocab": 30_000,
        "max_length": 400,
        "epochs": 2,
        "lr": 4e-3,
        "dropout": 0.5,
        "width": 100,
        "max_grad_norm": 1.0,
    },
)
