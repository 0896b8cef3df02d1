"""Texts with labels, and their division into training, validation and test."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Examples:
    """Texts and the label of each; `ratings` are the numbers behind the labels, where there are any.

    weights: how much each text counts in training and in scores; all alike when not given.
    """

    texts: list[str]
    labels: list[str]
    ratings: list[float] | None = None
    weights: list[float] | None = None

    def __post_init__(self):
        assert len(self.texts) == len(self.labels)
        assert self.ratings is None or len(self.ratings) == len(self.texts)
        assert self.weights is None or len(self.weights) == len(self.texts)

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, which: slice | Sequence[int]) -> "Examples":
        """Some of the examples: a slice, or a list of positions."""
        rows = range(len(self))[which] if isinstance(which, slice) else which
        ratings, weights = (None if of is None else [of[i] for i in rows] for of in (self.ratings, self.weights))
        return Examples([self.texts[i] for i in rows], [self.labels[i] for i in rows], ratings, weights)

    def __add__(self, other: "Examples") -> "Examples":
        ratings = None if self.ratings is None or other.ratings is None else self.ratings + other.ratings
        weights = None if self.weights is None or other.weights is None else self.weights + other.weights
        return Examples(self.texts + other.texts, self.labels + other.labels, ratings, weights)

    def label_counts(self) -> dict[str, int]:
        """How many texts each label has, labels in alphabetical order."""
        return dict(sorted(Counter(self.labels).items()))

    def label_weights(self) -> dict[str, int | float]:
        """Return the sum of the weights of the texts of each label; their number where all count alike."""
        if self.weights is None:
            return dict(self.label_counts())
        found: dict[str, int | float] = dict.fromkeys(self.label_counts(), 0.0)
        for label, weight in zip(self.labels, self.weights, strict=True):
            found[label] += weight
        return found

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
