"""The order in which no two rows of a batch are of one group, as positives of other rows serve as negatives."""

from dataclasses import dataclass, field

import numpy as np

from lingon.core.shapes import Int
from lingon.data.batches.order import BatchRows, check_positive, numpy_generator


@dataclass(frozen=True, eq=False)
class DistinctGroups:
    """Batches of at most `batch_size` rows in a new order every epoch, none of which has two rows of one group.

    groups: of each row, a number [N]. There are as many batches as the largest group has rows, or more, and they are of
    nearly one size: rows are dealt to the batches like cards, one group after the other.
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
        """Return the rows that there are."""
        return len(self.groups)

    def __len__(self) -> int:
        return max(-(-self.count // self.batch_size), int(np.unique(self.groups, return_counts=True)[1].max()))

    def batch_rows(self, epoch: int) -> BatchRows:
        """Return the batches of an epoch, by seed and epoch."""
        random, number = numpy_generator(self.seed, "groups", epoch), len(self)
        rows = random.permutation(self.count)
        _, places = np.unique(self.groups, return_inverse=True)
        turns = random.permutation(places.max() + 1)  # which group comes when
        rows = rows[np.argsort(turns[places[rows]], kind="stable")]
        order = random.permutation(number)
        return lambda batch: np.sort(rows[order[batch] :: number])
