"""Packed batches: the tokens of several texts one after the other, so that nothing is computed for padding.

Linear layers, norms and feed-forward layers treat each token separately, so they get one long row [1, N, D]; attention
is given the lengths of the texts, and processes texts of the same length together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import torch

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.layers.attention_mask import AttentionMask

PACKS = True  # False to compare with padded batches


@dataclass(frozen=True)
class Packed:
    """The mapping between a padded batch and its packed form, in which the texts follow each other without padding.

    index: of each packed token among the B * T positions of the batch. lengths: of the texts, ascending. shape: B, T.
    """

    index: Int[Tensor, " N"]
    lengths: tuple[int, ...]
    shape: tuple[int, int]

    @property
    def longest(self) -> int:
        """Return the number of tokens of the longest text."""
        return self.lengths[-1] if self.lengths else 0

    @cached_property
    def positions(self) -> Int[Tensor, "1 N"]:
        """Return the position of each token in its own text, from 0."""
        lengths = torch.tensor(self.lengths)
        starts = (lengths.cumsum(0) - lengths).repeat_interleave(lengths)
        return (torch.arange(len(starts)) - starts).to(self.index.device)[None]

    @cached_property
    def attention_mask(self) -> AttentionMask:
        """Return the mask by which each token attends to its own text only."""
        return AttentionMask(lengths=self.lengths)

    def take(self, x: Tensor) -> Tensor:
        """Return a padded batch packed: [B, T, ...] to [1, N, ...]."""
        return x.flatten(0, 1)[self.index][None]

    def put_back(self, x: Tensor) -> Tensor:
        """Return a packed batch padded again: [1, N, ...] to [B, T, ...], zero for padding."""
        batch, columns = self.shape
        out = x.new_zeros(batch * columns, *x.shape[2:])
        return out.index_copy(0, self.index, x[0]).view(batch, columns, *x.shape[2:])


def pack(mask: Bool[Tensor, "B T"]) -> Packed:
    """Return the packing of a padded batch: texts ordered by length, without empty ones."""
    lengths = mask.sum(1)
    order = lengths.argsort(stable=True)
    kept = [n for n in lengths[order].tolist() if n]
    rows, columns = mask[order].nonzero(as_tuple=True)
    return Packed(order[rows] * mask.shape[1] + columns, tuple(kept), (mask.shape[0], mask.shape[1]))


def one_graph() -> bool:
    """Return whether a model is compiled or traced, into one graph for all shapes without data-dependent branches."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()


def worth_packing(mask: Bool[Tensor, "B T"]) -> bool:
    """Return whether a batch has padding and is computed eagerly on a CPU: elsewhere, varying shapes cost more."""
    if not PACKS or mask.device.type != "cpu" or one_graph():
        return False
    return bool(mask.any()) and not bool(mask.all())


def each_length(run: Callable[..., Tensor], lengths: Sequence[int], *rows: Tensor) -> Float[Tensor, "1 N ..."]:
    """Return the results of `run` for packed texts, [1, N, ...] each.

    Texts of the same length are processed as a batch [B, T, ...] without padding. lengths: of the texts, ascending.
    """
    found, end = [], 0
    for length, texts in groupby(lengths):
        count = len([*texts])
        start, end = end, end + count * length
        batches = (x[0, start:end].unflatten(0, (count, length)) for x in rows)
        found.append(run(*batches).flatten(0, 1))
    return torch.cat(found)[None]
