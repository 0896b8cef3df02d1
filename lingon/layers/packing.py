"""Packed batches: the tokens of several texts one after the other, so that nothing is computed for padding.

Linear layers, norms and feed-forward layers take each token alone, so they see one long row [1, N, D]; attention is
told where each text begins and ends, and takes texts of one length together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import torch

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.layers.attention_mask import AttentionMask

PACKS = True  # off to compare with padded batches


@dataclass(frozen=True)
class Packed:
    """Places of the tokens of a padded batch, and of the same tokens when its texts are put one after the other.

    index: of each token among the B * T places of the batch. lengths: tokens of each text, ascending. shape: B, T.
    """

    index: Int[Tensor, " N"]
    lengths: tuple[int, ...]
    shape: tuple[int, int]

    @property
    def longest(self) -> int:
        """Return the tokens of the longest text."""
        return self.lengths[-1] if self.lengths else 0

    @cached_property
    def positions(self) -> Int[Tensor, "1 N"]:
        """Return the place of each token in its own text, from 0."""
        lengths = torch.tensor(self.lengths)
        starts = (lengths.cumsum(0) - lengths).repeat_interleave(lengths)
        return (torch.arange(len(starts)) - starts).to(self.index.device)[None]

    @cached_property
    def attention_mask(self) -> AttentionMask:
        """Return the mask by which each token sees its own text alone."""
        return AttentionMask(lengths=self.lengths)

    def take(self, x: Tensor) -> Tensor:
        """Return the tokens of a padded batch: [B, T, ...] to [1, N, ...]."""
        return x.flatten(0, 1)[self.index][None]

    def put_back(self, x: Tensor) -> Tensor:
        """Return tokens to their padded places: [1, N, ...] to [B, T, ...], zero where there is padding."""
        batch, columns = self.shape
        out = x.new_zeros(batch * columns, *x.shape[2:])
        return out.index_copy(0, self.index, x[0]).view(batch, columns, *x.shape[2:])


def pack(mask: Bool[Tensor, "B T"]) -> Packed:
    """Return how a padded batch is packed: texts in the order of their lengths, those without a token left out."""
    lengths = mask.sum(1)
    order = lengths.argsort(stable=True)
    kept = [n for n in lengths[order].tolist() if n]
    rows, columns = mask[order].nonzero(as_tuple=True)
    return Packed(order[rows] * mask.shape[1] + columns, tuple(kept), (mask.shape[0], mask.shape[1]))


def one_graph() -> bool:
    """Return whether a model is compiled or traced: one graph for batches of all shapes, in which none may choose."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()


def worth_packing(mask: Bool[Tensor, "B T"]) -> bool:
    """Return whether a batch has padding and is computed on a CPU, eagerly: elsewhere shapes that vary cost more."""
    if not PACKS or mask.device.type != "cpu" or one_graph():
        return False
    return bool(mask.any()) and not bool(mask.all())


def each_length(run: Callable[..., Tensor], lengths: Sequence[int], *rows: Tensor) -> Float[Tensor, "1 N ..."]:
    """Return what `run` makes of texts that lie one after the other, [1, N, ...] each.

    Texts of one length are taken together, as batches [B, T, ...] without padding. lengths: of the texts, ascending.
    """
    found, end = [], 0
    for length, texts in groupby(lengths):
        count = len([*texts])
        start, end = end, end + count * length
        batches = (x[0, start:end].unflatten(0, (count, length)) for x in rows)
        found.append(run(*batches).flatten(0, 1))
    return torch.cat(found)[None]
