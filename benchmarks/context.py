"""What every comparison is given: how much work to do, and a folder for what both sides read."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import PAIRS, WARMUPS


@dataclass(frozen=True)
class Context:
    """quick: just enough to see that everything works; such figures mean nothing. folder: for files of this run."""

    folder: Path
    quick: bool = False

    @property
    def pairs(self) -> int:
        return 1 if self.quick else PAIRS

    @property
    def warmups(self) -> int:
        return 0 if self.quick else WARMUPS

    @property
    def seeds(self) -> range:
        return range(1 if self.quick else 3)

    def size(self, full: int, quick: int) -> int:
        """`full`, or `quick` when there is no hurry to be exact."""
        return quick if self.quick else full
