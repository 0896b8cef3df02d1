"""What every comparison is given: how much work to do, and a folder for what both sides read."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import PAIRS, WARMUPS


@dataclass(frozen=True)
class Context:
    """quick: just enough to see that everything works; such figures mean nothing. folder: for files of this run.
    seeds: a training for each of them, where there is training. add: the folder of results whose runs are kept, so that
    only missing seeds are trained; None trains all.

    names: the results that were asked for, such as training-bilstm, where a comparison makes several; none means all.
    """

    folder: Path
    quick: bool = False
    names: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0, 1, 2)
    add: Path | None = None

    def wants(self, result: str) -> bool:
        """Whether this result of a comparison was asked for."""
        return not self.names or result in self.names

    @property
    def pairs(self) -> int:
        return 1 if self.quick else PAIRS

    @property
    def warmups(self) -> int:
        return 0 if self.quick else WARMUPS

    def size(self, full: int, quick: int) -> int:
        """`full`, or `quick` when there is no hurry to be exact."""
        return quick if self.quick else full
