"""Pairs of texts with similarity scores, or of texts that belong together, and their division."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lingon.core.errors import UserError


@dataclass(frozen=True)
class ScoredPairs:
    """Pairs of texts with a score for each; a higher score means more similar.

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
        """Return some of the pairs: a slice, or a list of indices."""
        rows = range(len(self))[which] if isinstance(which, slice) else which
        first, second = ([column[i] for i in rows] for column in (self.first, self.second))
        return ScoredPairs(first, second, [self.scores[i] for i in rows])

    def __add__(self, other: "ScoredPairs") -> "ScoredPairs":
        return ScoredPairs(self.first + other.first, self.second + other.second, self.scores + other.scores)


@dataclass(frozen=True)
class PositivePairs:
    """Pairs of an anchor and a positive that belongs to it, and for each pair hard negatives, which do not.

    negatives: any number of texts for each pair; none when not given. Raises UserError unless there are as many anchors
    as positives and groups of negatives.
    """

    anchors: list[str]
    positives: list[str]
    negatives: list[tuple[str, ...]] = field(default_factory=list)

    def __post_init__(self):
        if not self.negatives:
            object.__setattr__(self, "negatives", [()] * len(self.anchors))
        if not len(self.anchors) == len(self.positives) == len(self.negatives):
            raise UserError(
                f"{len(self.anchors):,} anchors, {len(self.positives):,} positives and negatives of "
                f"{len(self.negatives):,} pairs; each pair has one of each"
            )

    def __len__(self) -> int:
        return len(self.anchors)

    def __getitem__(self, which: slice | Sequence[int]) -> "PositivePairs":
        """Return some of the pairs: a slice, or a list of indices."""
        rows = range(len(self))[which] if isinstance(which, slice) else which
        anchors, positives = ([column[i] for i in rows] for column in (self.anchors, self.positives))
        return PositivePairs(anchors, positives, [self.negatives[i] for i in rows])

    def __add__(self, other: "PositivePairs") -> "PositivePairs":
        anchors, positives = self.anchors + other.anchors, self.positives + other.positives
        return PositivePairs(anchors, positives, self.negatives + other.negatives)


TextPairs = ScoredPairs | PositivePairs


def sides_of(pairs: TextPairs) -> tuple[list[str], list[str]]:
    """Return the first and the second text of each pair."""
    return (pairs.first, pairs.second) if isinstance(pairs, ScoredPairs) else (pairs.anchors, pairs.positives)


@dataclass(frozen=True)
class PairSplits:
    """Training, validation and test pairs of one kind, their name, and where they come from (stored in run.json)."""

    train: Any
    valid: Any
    test: Any
    name: str
    source: dict[str, Any] = field(default_factory=dict)

    def all(self) -> Any:
        """Return the pairs of all three parts."""
        return self.train + self.valid + self.test
