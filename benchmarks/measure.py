"""How speed is measured: ours, theirs, ours, theirs ... in one run, and the ratio of each pair."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from lingon.core.errors import UserError

PAIRS, WARMUPS = 5, 1
REST = 0.5  # seconds between turns, so that threads which spin after their work have gone to sleep


@dataclass(frozen=True)
class Spread:
    """Median, minimum and maximum of some figures."""

    median: float
    minimum: float
    maximum: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        if not values:
            raise UserError("there are no figures to take the median of")
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True)
class Pairs:
    """Seconds that both took for the same work, turn by turn."""

    ours: list[float]
    theirs: list[float]

    def ratio(self) -> Spread:
        """How many times as fast as theirs ours is: their seconds / our seconds, pair by pair."""
        return Spread.of([theirs / ours for ours, theirs in zip(self.ours, self.theirs, strict=True)])


def paired(
    ours: Callable[[], float],
    theirs: Callable[[], float],
    pairs: int = PAIRS,
    warmups: int = WARMUPS,
    rest: float = REST,
) -> Pairs:
    """Lets both do their work in turn. Each is a function that does it once and returns the seconds it took."""
    if pairs < 1:
        raise UserError(f"pairs is {pairs}, it must be 1 or more")
    seconds: list[tuple[float, float]] = []
    for turn in range(warmups + pairs):
        pair = []
        for work in (ours, theirs):
            time.sleep(rest)
            pair.append(work())
        if turn >= warmups:
            seconds.append((pair[0], pair[1]))
    return Pairs([ours for ours, _ in seconds], [theirs for _, theirs in seconds])
