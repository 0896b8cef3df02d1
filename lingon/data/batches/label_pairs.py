"""Batches of rows together with partners of the same label, for contrastive losses."""

from dataclasses import dataclass, field

import numpy as np

from lingon.core.errors import UserError
from lingon.core.shapes import Int
from lingon.data.batches.order import BatchRows, check_positive, numpy_generator


@dataclass(frozen=True, eq=False)
class LabelPairs:
    """Batches of `batch_size` rows: half are rows in a new order every epoch, half are partners with the same label.

    labels: class numbers [N]. The only row of a label is paired with itself. So every batch has rows with equal labels,
    however many labels there are.
    """

    labels: Int[np.ndarray, " N"] = field(repr=False)
    batch_size: int = 32
    seed: int = 0
    lanes = 0
    continues = False

    def __post_init__(self):
        check_positive(rows=self.count, batch_size=self.batch_size)
        if self.batch_size < 2:
            raise UserError(f"batch_size is {self.batch_size}; a batch of pairs needs 2 rows or more")

    @property
    def count(self) -> int:
        """Return the number of rows to choose from."""
        return len(self.labels)

    def __len__(self) -> int:
        return -(-self.count // (self.batch_size // 2))

    def batch_rows(self, epoch: int) -> BatchRows:
        """Return the batches of an epoch: first the rows, then their partners."""
        random, half = numpy_generator(self.seed, "pairs", epoch), self.batch_size // 2
        rows = random.permutation(self.count)
        partners = self._partners(random)[rows]

        def pair_rows(number: int) -> np.ndarray:
            part = slice(number * half, (number + 1) * half)
            return np.concatenate([rows[part], partners[part]])

        return pair_rows

    def _partners(self, random: np.random.Generator) -> np.ndarray:
        """Return for each row another one with its label: the next in a random order of the label's rows."""
        mixed = random.permutation(self.count)
        order = mixed[np.argsort(self.labels[mixed], kind="stable")]
        _, starts, sizes = np.unique(self.labels[order], return_index=True, return_counts=True)
        found = np.empty(self.count, np.int64)
        for start, size in zip(starts.tolist(), sizes.tolist(), strict=True):
            own = order[start : start + size]
            found[own] = np.roll(own, -1)
        return found
