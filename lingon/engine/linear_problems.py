"""What dual coordinate descent learns of an example: signs with a margin, or numbers; and how much each counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from lingon.core.shapes import Float, Int

NEXT_TO_NOTHING = 1e-6


@runtime_checkable
class LinearProblem(Protocol):
    """A convex loss of K outputs, each a problem of its own.

    error: None is the squared hinge loss max(0, 1 - s z)^2 of a sign s and a score z; 2 the squared error (y - z)^2.
    """

    error: ClassVar[int | None]

    def targets(self, labels: np.ndarray) -> Float[np.ndarray, "B K"]:
        """Return the sign, 1 or -1, or the number that each output shall have, of the labels of a batch [B, ...]."""
        ...

    def weights(self, labels: np.ndarray) -> Float[np.ndarray, "B W"]:
        """Return how much each example counts for each output [B, K], or for all alike [B, 1]."""
        ...


@dataclass(frozen=True)
class OneVersusRest:
    """Labels are class numbers [B]; each class is learned against the rest. class_weights: of all when not given, 1."""

    classes: int
    class_weights: Sequence[float] | None = None
    error: ClassVar[int | None] = None

    def targets(self, labels: Int[np.ndarray, " B"]) -> Float[np.ndarray, "B K"]:
        """Return 1 for the class of an example, -1 for every other."""
        found = np.full((len(labels), self.classes), -1, np.float32)
        found[np.arange(len(labels)), labels] = 1
        return found

    def weights(self, labels: Int[np.ndarray, " B"]) -> Float[np.ndarray, "B 1"]:
        """Return the weight of the class of each example."""
        of_class = np.asarray(self.class_weights or [1.0] * self.classes, np.float32)
        return of_class[labels][:, None]


@dataclass(frozen=True)
class SeveralVersusRest:
    """Labels are 1 or 0 for each output [B, K]; each is learned on its own. class_weights: of those that have it."""

    class_weights: Sequence[float] | None = None
    error: ClassVar[int | None] = None

    def targets(self, labels: Float[np.ndarray, "B K"]) -> Float[np.ndarray, "B K"]:
        """Return 1 for what an example has, -1 for what it has not."""
        return (2 * labels - 1).astype(np.float32)

    def weights(self, labels: Float[np.ndarray, "B K"]) -> Float[np.ndarray, "B W"]:
        """Return the weight of each example: 1, or that of the label where the example has it."""
        if self.class_weights is None:
            return np.ones((len(labels), 1), np.float32)
        return np.where(labels > 0, np.asarray(self.class_weights, np.float32), np.float32(1))


@dataclass(frozen=True)
class Ridge:
    """Labels are numbers [B], learned with the squared error: ridge regression."""

    error: ClassVar[int | None] = 2

    def targets(self, labels: Float[np.ndarray, " B"]) -> Float[np.ndarray, "B 1"]:
        """Return the numbers."""
        return labels.astype(np.float32)[:, None]

    def weights(self, labels: Float[np.ndarray, " B"]) -> Float[np.ndarray, "B 1"]:
        """Return 1 for each example."""
        return np.ones((len(labels), 1), np.float32)


@dataclass(frozen=True)
class Continuation:
    """Labels are ranks [B], 0 to K; output k is whether the rank is over k, learned of ranks from k on.

    Its name is that of the continuation-ratio model of ranks (Shi et al. 2021, "CORN", with networks).
    """

    outputs: int
    error: ClassVar[int | None] = None

    def targets(self, labels: Int[np.ndarray, " B"]) -> Float[np.ndarray, "B K"]:
        """Return 1 where the rank is over that of the output, else -1."""
        return np.where(labels[:, None] > np.arange(self.outputs), 1, -1).astype(np.float32)

    def weights(self, labels: Int[np.ndarray, " B"]) -> Float[np.ndarray, "B K"]:
        """Return 1 where the rank is the output's or over it, else next to nothing: the dual divides by weights."""
        return np.where(labels[:, None] >= np.arange(self.outputs), 1, NEXT_TO_NOTHING).astype(np.float32)
