"""Pairs of texts with a score of how alike they are, and their division into training, validation and test."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lingon.core.errors import UserError


@dataclass(frozen=True)
class ScoredPairs:
    """Pairs of texts and a number for each: the higher, the more alike.

    Raises UserError unless there are as many first texts as second ones and scores.
    """

    first: list[str]
    second: list[str]
    scores: list[float]

    def __post_init__(self):
        if not len(self.first) == len(self.second) == len(self.scores):
            raise UserError(
                f"{len(self.first):,} first texts, {len(self.second):,} second ones and {len(self.scores):,} scores; "
                "a pair has one of each"
            )

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, which: slice | Sequence[int]) -> "ScoredPairs":
        """Return some of the pairs: a slice, or a list of positions."""
        rows = range(len(self))[which] if isinstance(which, slice) else which
        first, second = ([column[i] for i in rows] for column in (self.first, self.second))
        return ScoredPairs(first, second, [self.scores[i] for i in rows])

    def __add__(self, other: "ScoredPairs") -> "ScoredPairs":
        return ScoredPairs(self.first + other.first, self.second + other.second, self.scores + other.scores)


@dataclass(frozen=True)
class ScoredPairSplits:
    """Training, validation and test pairs, their name, and where they come from (what run.json keeps)."""

    train: ScoredPairs
    valid: ScoredPairs
    test: ScoredPairs
    name: str
    source: dict[str, Any] = field(default_factory=dict)

    def all(self) -> ScoredPairs:
        """Return the three together."""
        return self.train + self.valid + self.test
