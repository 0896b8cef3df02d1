"""Texts with labels, and their division into training, validation and test."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lingon.data.problem_types import ProblemType, names_in


@dataclass(frozen=True)
class Examples:
    """Texts with labels; `ratings` are the numbers from which labels were derived, if any.

    A label is a name, a tuple of names, or a number: see `lingon.data.problem_types`. weights: of the texts in training
    and in scores; all equal by default. text_pairs: the second texts of pairs.
    """

    texts: list[str]
    labels: list[Any]
    ratings: list[float] | None = None
    weights: list[float] | None = None
    text_pairs: list[str] | None = None

    def __post_init__(self):
        assert len(self.texts) == len(self.labels)
        assert self.ratings is None or len(self.ratings) == len(self.texts)
        assert self.weights is None or len(self.weights) == len(self.texts)
        assert self.text_pairs is None or len(self.text_pairs) == len(self.texts)

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, which: slice | Sequence[int]) -> "Examples":
        """Return some of the examples, given by a slice or a list of positions."""
        rows = range(len(self))[which] if isinstance(which, slice) else which
        more: Any = (
            None if of is None else [of[i] for i in rows] for of in (self.ratings, self.weights, self.text_pairs)
        )
        return Examples([self.texts[i] for i in rows], [self.labels[i] for i in rows], *more)

    def __add__(self, other: "Examples") -> "Examples":
        pairs: Any = zip(*((of.ratings, of.weights, of.text_pairs) for of in (self, other)), strict=True)
        more: Any = (None if a is None or b is None else a + b for a, b in pairs)
        return Examples(self.texts + other.texts, self.labels + other.labels, *more)

    @property
    def inputs(self) -> list[Any]:
        """Return the inputs of a model: texts, or pairs of texts."""
        return self.texts if self.text_pairs is None else list(zip(self.texts, self.text_pairs, strict=True))

    @property
    def all_texts(self) -> list[str]:
        """Return all texts, including the second ones of pairs."""
        return self.texts if self.text_pairs is None else self.texts + self.text_pairs

    def label_counts(self) -> dict[str, int]:
        """Return the number of texts of each label, in alphabetical order; labels that are numbers are not counted."""
        return dict(sorted(Counter(names_in(self.labels)).items()))

    def label_weights(self) -> dict[str, int | float]:
        """Return the sum of the weights of the texts of each label; their number without weights."""
        if self.weights is None:
            return dict(self.label_counts())
        found: dict[str, int | float] = dict.fromkeys(self.label_counts(), 0.0)
        for label, weight in zip(self.labels, self.weights, strict=True):
            for name in names_in([label]):
                found[name] += weight
        return found

    def checksum(self) -> str:
        """Return the sha256 of texts and labels in their order."""
        digest = hashlib.sha256()
        for pair in zip(self.texts, self.labels, *([self.text_pairs] if self.text_pairs else []), strict=True):
            digest.update(json.dumps(pair).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class Splits:
    """Training, validation and test examples, their name, their source (for run.json), and the problem type."""

    train: Examples
    valid: Examples
    test: Examples
    name: str
    source: dict[str, Any] = field(default_factory=dict)
    problem_type: ProblemType = "single-label"

    def all(self) -> Examples:
        """Return the three splits together."""
        return self.train + self.valid + self.test
