"""A classifier of pairs as a graph of ids and a mask alone: which text a token is of follows from the separators."""

from typing import Any

import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.data.tokenizers import Tokenizer

PROBES = (("a", "b"), ("a b c", ""), ("", "a b"))


class PairGraph(nn.Module):
    """The model with token types that are made of the ids: 1 for all that comes after the first separator, else 0.

    What is typed never becomes a separator, so the first one of a row is that of the template. A program in another
    language gives ids and a mask, as for single texts.
    """

    def __init__(self, model: nn.Module, separator: int):
        super().__init__()
        self.model, self.separator = model, separator

    def forward(self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B C"]:
        """Return the logits."""
        return self.model(ids, mask, token_types_of(ids, self.separator))


def token_types_of(ids: Int[Tensor, "B T"], separator: int) -> Int[Tensor, "B T"]:
    """Return 1 where a token has a separator before it, else 0."""
    found = (ids == separator).long()
    return (found.cumsum(1) > found).long()


def pair_graph(model: nn.Module, tokenizer: Tokenizer) -> nn.Module:
    """Return the model, (ids, mask) -> logits, with the token types of the tokenizer's template for pairs.

    Raises UserError for a template whose second text does not begin after a separator.
    """
    pairs: Any = tokenizer.encode_pairs(PROBES)
    if not any(1 in pair.token_types for pair in pairs):
        return model  # a template without types, as RoBERTa's
    separator = next(pair.ids[pair.token_types.index(1) - 1] for pair in pairs if 1 in pair.token_types[1:])
    for pair in pairs:
        if token_types_of(torch.tensor([pair.ids]), separator)[0].tolist() != pair.token_types:
            raise UserError(
                "not exported: in the tokenizer's template for pairs the second text does not begin after a token "
                "that stands in no other place; use a template such as that of BERT"
            )
    return PairGraph(model, separator)
