"""Batching of pairs by the lengths of both sides, under a common token budget."""

from dataclasses import dataclass, field

import numpy as np

from lingon.core.errors import UserError
from lingon.core.shapes import Int
from lingon.data.batches.by_length import bucket_bounds
from lingon.data.batches.order import BatchRows, check_positive, numpy_generator


@dataclass(frozen=True, eq=False)
class ByPairLength:
    """Batches of pairs of similar lengths: at most `max_tokens` padded positions, of sources and targets together.

    sources, targets: tokens of each. batch_size: maximum number of pairs. A pair longer than the budget is a batch by
    itself. As with `ByLength`, the number of batches is the same in every epoch while their members change, and without
    shuffling the longest come first.
    """

    sources: Int[np.ndarray, " N"] = field(repr=False)
    targets: Int[np.ndarray, " N"] = field(repr=False)
    max_tokens: int = 4_096
    batch_size: int | None = None
    seed: int = 0
    shuffle: bool = True
    _cells: np.ndarray = field(init=False, repr=False, compare=False)
    _cuts: list[int] = field(init=False, repr=False, compare=False)
    lanes = 0
    continues = False

    def __post_init__(self) -> None:
        check_positive(max_tokens=self.max_tokens, batch_size=self.batch_size)
        if not self.count or len(self.sources) != len(self.targets):
            raise UserError(
                f"there are {len(self.sources):,} sources and {len(self.targets):,} targets to make pairs of"
            )
        sources, targets = bucket_bounds(self.sources), bucket_bounds(self.targets)
        # Targets in ascending order; within their buckets, sources alternate between ascending and descending order, so
        # that a batch across two buckets has little more padding than others.
        number = np.unique(targets, return_inverse=True)[1]
        turned = np.where(number % 2 == 0, sources, -sources)
        order = np.lexsort((turned, targets))
        cells = np.zeros(self.count, np.int64)
        changes = (np.diff(targets[order]) != 0) | (np.diff(sources[order]) != 0)
        cells[order[1:]] = np.cumsum(changes)
        object.__setattr__(self, "_cells", cells)
        cuts = _cuts(sources[order], targets[order], self.max_tokens, self.batch_size)
        object.__setattr__(self, "_cuts", cuts)

    @property
    def count(self) -> int:
        """Return the number of pairs."""
        return len(self.sources)

    def __len__(self) -> int:
        return len(self._cuts) - 1

    def batch_rows(self, epoch: int) -> BatchRows:
        """Return the batches of an epoch: pairs shuffled within buckets, cut into batches, which are shuffled."""
        pieces = list(zip(self._cuts, self._cuts[1:], strict=False))
        if not self.shuffle:
            order = np.argsort(self._cells, kind="stable")
            return [order[a:b] for a, b in pieces][::-1].__getitem__
        random = numpy_generator(self.seed, "batches", epoch)
        order = random.permutation(self.count)
        order = order[np.argsort(self._cells[order], kind="stable")]
        return [order[slice(*pieces[i])] for i in random.permutation(len(pieces))].__getitem__


def _cuts(sources: np.ndarray, targets: np.ndarray, max_tokens: int, batch_size: int | None) -> list[int]:
    """Return the boundaries of batches of sorted pairs: rows * (longest source + longest target) is in the budget."""
    cuts, limit, longest = [0], batch_size or len(sources), (0, 0)
    for i, (source, target) in enumerate(zip(sources.tolist(), targets.tolist(), strict=True)):
        count = i - cuts[-1] + 1
        longest = max(longest[0], source), max(longest[1], target)
        if count > 1 and (count > limit or count * sum(longest) > max_tokens):
            cuts.append(i)
            longest = source, target
    return [*cuts, len(sources)]
