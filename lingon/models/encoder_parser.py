"""A biaffine dependency parser on an encoder: scores of every head for every word, and of every relation of an arc."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.linear import OneDNNLinear
from lingon.layers.biaffine import Biaffine
from lingon.models.described_encoder import described_encoder, description_of
from lingon.models.option_types import AttentionHeads, Classes, ContextLength, Depth, Fraction, VocabSize, Width
from lingon.models.registry import ModelEntry
from lingon.models.word_encoder import encode_words

LONGEST = 1 << 20  # tokens read at a time by an encoder without a maximum length
SLOPE = 0.1  # negative slope of the activation


class ParserLogits(NamedTuple):
    """Logits of each word's heads (0 for the root, i for word i), and of the relations to a given head."""

    arcs: Float[Tensor, "B W H"]
    relations: Float[Tensor, "B W R"]


class WordStates(NamedTuple):
    """Vectors of each word as the dependent and as the head of an arc (root first), and the same for relations."""

    dependent: Float[Tensor, "B W A"]
    head: Float[Tensor, "B H A"]
    relation_dependent: Float[Tensor, "B W L"]
    relation_head: Float[Tensor, "B H L"]


class EncoderParser(nn.Module):
    """encoder -> first piece of each word -> four small layers -> biaffine scores (Dozat and Manning 2017, section 3).

    encoder: a `lingon.models.encoder.Encoder`, with fresh or published weights. relations: R.
    arc_width, relation_width: A and L. dropout: of the word vectors and the outputs of the four layers, with the same
    mask for all words of a sentence. The root has a trained vector.
    """

    def __init__(
        self,
        encoder: nn.Module,
        relations: int,
        arc_width: int = 400,
        relation_width: int = 100,
        dropout: float = 0.33,
    ):
        super().__init__()
        self.encoder: Any = encoder
        self.dropout = dropout
        width: Any = encoder.width
        self.root = nn.Embedding(1, width)
        sizes = (arc_width, arc_width, relation_width, relation_width)
        layers = [OneDNNLinear(width, size) for size in sizes]
        for layer in layers:
            nn.init.orthogonal_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.layers = nn.ModuleDict(dict(zip(WordStates._fields, layers, strict=True)))
        self.arcs = Biaffine(arc_width, arc_width, bias=(True, False))  # some words are likelier heads than others
        self.relations = Biaffine(relation_width, relation_width, relations)

    @property
    def widths(self) -> tuple[int, int, float]:
        """Return A, L and the dropout."""
        return self.arcs.weight.shape[2], self.relations.weight.shape[2] - 1, self.dropout

    @property
    def window(self) -> int:
        """Return the maximum number of tokens read at a time; longer sentences are read in windows of this size."""
        return getattr(self.encoder, "context_length", None) or LONGEST

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        mask: Bool[Tensor, "B T"],
        first: Int[Tensor, "B W"],
        words: Bool[Tensor, "B W"],
        heads: Int[Tensor, "B W"],
    ) -> ParserLogits:
        """Return the logits of heads, and those of relations to the given heads.

        ids, first: see `lingon.data.tokenizers.word_pieces`, with `window`. words: False for padding, which cannot be a
        head (logit -inf). heads: from 1, 0 for the root.
        """
        states = self.states(ids, mask, first)
        return ParserLogits(self.arc_logits(states, words), self.relation_logits(states, heads))

    def states(self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"], first: Int[Tensor, "B W"]) -> WordStates:
        """Return the outputs of the four layers for each word."""
        vectors, _ = encode_words(self.encoder, ids, mask, first, self.window)
        vectors = self._dropped(torch.cat([self.root.weight.to(vectors.dtype).expand(len(ids), 1, -1), vectors], 1))
        found = WordStates(**{name: self._layer(name, vectors) for name in WordStates._fields})
        return found._replace(
            dependent=found.dependent[:, 1:], relation_dependent=found.relation_dependent[:, 1:]
        )  # the root is not a dependent

    def _layer(self, name: str, vectors: Float[Tensor, "B H D"]) -> Float[Tensor, "B H A"]:
        return self._dropped(F.leaky_relu(self.layers[name](vectors), SLOPE))

    def _dropped(self, x: Float[Tensor, "B H D"]) -> Float[Tensor, "B H D"]:
        return x * F.dropout(torch.ones_like(x[:, :1]), self.dropout) if self.training else x

    def arc_logits(self, states: WordStates, words: Bool[Tensor, "B W"]) -> Float[Tensor, "B W H"]:
        """Return the logits of all heads of each word."""
        heads = F.pad(words, (1, 0), value=True)
        return self.arcs(states.dependent, states.head)[:, 0].masked_fill(~heads[:, None], -torch.inf)

    def relation_logits(self, states: WordStates, heads: Int[Tensor, "B W"]) -> Float[Tensor, "B W R"]:
        """Return the logits of each word's relation to one head. heads: from 1, 0 for the root."""
        chosen = heads[..., None].expand(-1, -1, states.relation_head.shape[-1])
        return self.relations.pairs(states.relation_dependent, states.relation_head.gather(1, chosen))

    def config(self) -> dict[str, Any]:
        """Return what `encoder_parser` makes it from, including the encoder's own configuration."""
        encoder = description_of(self.encoder)
        sizes: dict[str, Any] = {
            "vocab_size": self.encoder.embedding.num_embeddings,
            "classes": len(self.relations.weight),
        }
        own = dict(zip(("arc_width", "relation_width", "dropout"), self.widths, strict=True))
        return {**sizes, **own, "encoder": encoder}


def encoder_parser(
    vocab_size: VocabSize,
    classes: Classes,
    width: Width = 128,
    depth: Depth = 2,
    heads: AttentionHeads = 4,
    context_length: ContextLength = 512,
    arc_width: Width = 400,
    relation_width: Width = 100,
    dropout: Fraction = 0.33,
    encoder: Mapping | None = None,
) -> EncoderParser:
    """Return a parser with fresh weights on a BERT of these sizes, or on the given encoder.

    classes: relations. encoder: {"model": its name in the registry, "config": its own configuration}, in place of
    the sizes.
    """
    sizes: dict[str, Any] = {"vocab_size": vocab_size, "width": width, "depth": depth, "heads": heads}
    sizes |= {"context_length": context_length, "dropout": min(dropout, 0.1)}
    made = described_encoder("encoder_parser", encoder, sizes)
    return EncoderParser(made, classes, arc_width, relation_width, dropout)


ENTRY = ModelEntry(encoder_parser, defaults={"lr": 1e-3, "epochs": 15, "batch_size": 32, "weight_decay": 0.01})
