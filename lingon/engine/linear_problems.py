"""Objectives of dual coordinate descent: targets, loss (squared hinge or squared error) and weights of examples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from lingon.core.shapes import Float, Int

NEXT_TO_NOTHING = 1e-6


@runtime_checkable
class LinearProblem(Protocol):
    """A convex loss of K outputs, which are trained independently.

    error: None for the squared hinge loss max(0, 1 - s z)^2 of a sign s and a logit z; 2 for the squared error
    (y - z)^2.
    """

    error: ClassVar[int | None]

    def targets(self, labels: np.ndarray) -> Float[np.ndarray, "B K"]:
        """Return the target of each output, a sign (1 or -1) or a number, from the labels of a batch [B, ...]."""
        ...

    def weights(self, labels: np.ndarray) -> Float[np.ndarray, "B W"]:
        """Return the weight of each example for each output [B, K], or for all outputs [B, 1]."""
        ...


@dataclass(frozen=True)
class OneVersusRest:
    """One class against the rest, for labels that are class numbers [B]. class_weights: 1 for each class by default."""

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
    """One binary problem for each label, for labels 1 or 0 [B, K]. class_weights: of the examples that have a label."""

    class_weights: Sequence[float] | None = None
    error: ClassVar[int | None] = None

    def targets(self, labels: Float[np.ndarray, "B K"]) -> Float[np.ndarray, "B K"]:
        """Return 1 for the labels that an example has, -1 for the others."""
        return (2 * labels - 1).astype(np.float32)

    def weights(self, labels: Float[np.ndarray, "B K"]) -> Float[np.ndarray, "B W"]:
        """Return the weight of each example: 1, or that of the label where the example has it."""
        if self.class_weights is None:
            return np.ones((len(labels), 1), np.float32)
        return np.where(labels > 0, np.asarray(self.class_weights, np.float32), np.float32(1))


@dataclass(frozen=True)
class Ridge:
    """Ridge regression, with the squared error, for labels that are numbers [B]."""

    error: ClassVar[int | None] = 2

    def targets(self, labels: Float[np.ndarray, " B"]) -> Float[np.ndarray, "B 1"]:
        """Return the labels as a column."""
        return labels.astype(np.float32)[:, None]

    def weights(self, labels: Float[np.ndarray, " B"]) -> Float[np.ndarray, "B 1"]:
        """Return 1 for each example."""
        return np.ones((len(labels), 1), np.float32)


@dataclass(frozen=True)
class Continuation:
    """Ordinal regression, for labels that are ranks [B], 0 to K: output k predicts rank > k, trained on ranks >= k.

    Named after the continuation-ratio model (Shi et al. 2021, "CORN", with neural networks).
    """

    outputs: int
    error: ClassVar[int | None] = None

    def targets(self, labels: Int[np.ndarray, " B"]) -> Float[np.ndarray, "B K"]:
        """Return 1 where the rank is greater than that of the output, else -1."""
        return np.where(labels[:, None] > np.arange(self.outputs), 1, -1).astype(np.float32)

    def weights(self, labels: Int[np.ndarray, " B"]) -> Float[np.ndarray, "B K"]:
        """Return 1 for ranks of at least that of the output, else nearly 0: the dual objective divides by weights."""
        return np.where(labels[:, None] >= np.arange(self.outputs), 1, NEXT_TO_NOTHING).astype(np.float32)
