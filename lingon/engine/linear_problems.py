"""What dual coordinate descent learns of an example: signs with a margin, or numbers; and how much each counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from lingon.core.shapes import Float, Int


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
