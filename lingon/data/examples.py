"""Texts with labels, and their division into training, validation and test."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Examples:
    """Texts and the label of each; `ratings` are the numbers behind the labels, where there are any."""

    texts: list[str]
    labels: list[str]
    ratings: list[float] | None = None

    def __post_init__(self):
        assert len(self.texts) == len(self.labels)
        assert self.ratings is None or len(self.ratings) == len(self.texts)

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, which: slice | Sequence[int]) -> "Examples":
        """Some of the examples: a slice, or a list of positions."""
        rows = range(len(self))[which] if isinstance(which, slice) else which
        ratings = None if self.ratings is None else [self.ratings[i] for i in rows]
        return Examples([self.texts[i] for i in rows], [self.labels[i] for i in rows], ratings)

    def __add__(self, other: "Examples") -> "Examples":
        both = None if self.ratings is None or other.ratings is None else self.ratings + other.ratings
        return Examples(self.texts + other.texts, self.labels + other.labels, both)

    def label_counts(self) -> dict[str, int]:
        """How many texts each label has, labels in alphabetical order."""
        return dict(sorted(Counter(self.labels).items()))

    def checksum(self) -> str:
        """The sha256 of texts and labels in their order."""
        digest = hashlib.sha256()
        for pair in zip(self.texts, self.labels, strict=True):
            digest.update(json.dumps(pair).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class Splits:
    """Training, validation and test examples, their name, and where they come from (what run.json keeps)."""

    train: Examples
    valid: Examples
    test: Examples
    name: str
    source: dict[str, Any] = field(default_factory=dict)

    def all(self) -> Examples:
        """The three together."""
        return self.train + self.valid + self.test
