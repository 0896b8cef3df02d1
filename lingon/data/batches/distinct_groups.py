"""Batches without two rows of the same group, for losses in which positives of other rows serve as negatives."""

from dataclasses import dataclass, field

import numpy as np

from lingon.core.shapes import Int
from lingon.data.batches.order import BatchRows, check_positive, numpy_generator


@dataclass(frozen=True, eq=False)
class DistinctGroups:
    """Batches of at most `batch_size` rows, in a new order every epoch, without two rows of the same group.

    groups: the group of each row [N]. There are at least as many batches as the largest group has rows, of nearly equal
    size: rows are dealt to the batches in turn, group by group.
    """

    groups: Int[np.ndarray, " N"] = field(repr=False)
    batch_size: int = 64
    seed: int = 0
    lanes = 0
    continues = False

    def __post_init__(self):
        check_positive(rows=self.count, batch_size=self.batch_size)

    @property
    def count(self) -> int:
        """Return the number of rows."""
        return len(self.groups)

    def __len__(self) -> int:
        return max(-(-self.count // self.batch_size), int(np.unique(self.groups, return_counts=True)[1].max()))

    def batch_rows(self, epoch: int) -> BatchRows:
        """Return the batches of an epoch, by seed and epoch."""
        random, number = numpy_generator(self.seed, "groups", epoch), len(self)
        rows = random.permutation(self.count)
        _, places = np.unique(self.groups, return_inverse=True)
        turns = random.permutation(places.max() + 1)  # order of the groups
        rows = rows[np.argsort(turns[places[rows]], kind="stable")]
        order = random.permutation(number)
        return lambda batch: np.sort(rows[order[batch] :: number])
