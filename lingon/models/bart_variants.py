"""The differences between BART and its relatives: positions, norms, embeddings and ids."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from lingon.core.shapes import Float, Int, Tensor
from lingon.layers.sines_first import SinesFirst
from lingon.models.config_sizes import ConfigReader

FIRST = 2  # row of the first token's position; those before it are not used


class LearnedPositions(nn.Module):
    """A trained vector for each position (Lewis et al. 2020)."""

    def __init__(self, length: int, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(length + FIRST, width).normal_(std=0.02))

    def forward(self, positions: slice | Int[Tensor, "..."], like: Tensor) -> Float[Tensor, "... D"]:
        """Return the vectors of positions, counted from 0."""
        if isinstance(positions, slice):
            return self.weight[positions.start + FIRST : positions.stop + FIRST]
        return nn.functional.embedding(positions + FIRST, self.weight)


@dataclass(frozen=True)
class Variant:
    """The differences of a relative of BART.

    positions: a function from (number of positions, width, padding id) to the module of positions. pre_norm: norms
    before the layers, and one at the end. embedding_norm: a norm after the embedding. bias: a bias is added to the
    logits. scaled: whether token embeddings are multiplied by the square root of their width, if config.json does not
    specify it.
    """

    positions: Callable[[int, int, int], nn.Module]
    pre_norm: bool = False
    embedding_norm: bool = True
    bias: bool = True
    scaled: bool = False
    activation: str = "gelu"
    pad_id: int = 1
    eos_id: int = 2

    def check(self, sizes: ConfigReader) -> None:
        """Raise UserError if config.json has other norms, as in models that fairseq can train."""
        learned = isinstance(self.positions(1, 2, 0), LearnedPositions)
        said = {"normalize_before": self.pre_norm, "add_final_layer_norm": self.pre_norm}
        said |= {"normalize_embedding": self.embedding_norm, "static_position_embeddings": not learned}
        for key, own in said.items():
            if sizes.flag(key, own) != own:
                raise sizes.error(key, not own, f"{str(own).lower()}, as {sizes.family} has it")


def _learned(length: int, width: int, pad_id: int) -> nn.Module:
    return LearnedPositions(length, width)


def _marian(length: int, width: int, pad_id: int) -> nn.Module:
    return SinesFirst(length, width)


def _fairseq(length: int, width: int, pad_id: int) -> nn.Module:
    return SinesFirst(length, width, start=pad_id + 1, slowest=True)


BART_ITSELF = Variant(_learned)
MBART = Variant(_learned, pre_norm=True)
MARIAN = Variant(_marian, embedding_norm=False, pad_id=58_100, eos_id=0)
M2M100 = Variant(_fairseq, pre_norm=True, embedding_norm=False, bias=False, scaled=True, activation="relu")
