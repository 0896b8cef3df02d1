"""Pairs of a source text and a target text, such as translations, and their division into parts."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, overload

from lingon.core.errors import UserError

Languages = tuple[str | None, str | None]  # of source and target, as "en"; None where not given


class ParallelPair(NamedTuple):
    """A source text and the target text that belongs to it."""

    source: str
    target: str


@dataclass(frozen=True)
class ParallelTexts:
    """Source texts, the target text of each, and the languages of the two sides.

    Raises UserError unless there are as many sources as targets.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    languages: Languages = (None, None)

    def __post_init__(self):
        if len(self.sources) != len(self.targets):
            raise UserError(f"{len(self.sources):,} sources and {len(self.targets):,} targets; a pair has one of each")

    @classmethod
    def of(cls, pairs: Sequence[tuple[str, str]], languages: Languages = (None, None)) -> "ParallelTexts":
        """Make parallel texts from pairs."""
        return cls(tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs), languages)

    def __len__(self) -> int:
        return len(self.sources)

    def __iter__(self) -> Iterator[ParallelPair]:
        return map(ParallelPair, self.sources, self.targets)

    @overload
    def __getitem__(self, which: int) -> ParallelPair: ...
    @overload
    def __getitem__(self, which: slice | Sequence[int]) -> "ParallelTexts": ...
    def __getitem__(self, which: int | slice | Sequence[int]) -> "ParallelPair | ParallelTexts":
        """Return one pair by its index, or some of them: a slice, or a list of indices."""
        if isinstance(which, int):
            return ParallelPair(self.sources[which], self.targets[which])
        if isinstance(which, slice):
            return ParallelTexts(self.sources[which], self.targets[which], self.languages)
        sources, targets = (tuple(side[i] for i in which) for side in (self.sources, self.targets))
        return ParallelTexts(sources, targets, self.languages)

    def __add__(self, other: "ParallelTexts") -> "ParallelTexts":
        return ParallelTexts(self.sources + other.sources, self.targets + other.targets, self.languages)

    def swapped(self) -> "ParallelTexts":
        """Return the pairs in the other direction: targets as sources."""
        return ParallelTexts(self.targets, self.sources, self.languages[::-1])

    def checksum(self) -> str:
        """Return the sha256 of the pairs in their order."""
        digest = hashlib.sha256()
        for pair in self:
            digest.update(json.dumps(pair).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class ParallelSplits:
    """Training, validation and test pairs, their name, and where they come from (stored in run.json)."""

    train: ParallelTexts
    valid: ParallelTexts
    test: ParallelTexts
    name: str
    source: dict[str, Any] = field(default_factory=dict)

    @property
    def languages(self) -> Languages:
        """Return the languages of the two sides, None if not given."""
        return self.train.languages

    def all(self) -> ParallelTexts:
        """Return the pairs of all three parts."""
        return self.train + self.valid + self.test

    def swapped(self) -> "ParallelSplits":
        """Return the parts in the other direction."""
        train, valid, test = (part.swapped() for part in (self.train, self.valid, self.test))
        return ParallelSplits(train, valid, test, self.name, self.source)
