"""What a kind of target is: how labels become numbers, what the loss and the scores are, and what is predicted."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from lingon.core.shapes import Float, Tensor
from lingon.data.problem_types import ProblemType
from lingon.engine.linear_problems import LinearProblem
from lingon.engine.loss import Loss
from lingon.metrics.scores import Scores
from lingon.tasks.task import Prediction


@runtime_checkable
class Targets(Protocol):
    """What a classifier predicts. A value: what is fitted to validation texts gives a new one.

    problem_type: its name, that of Hugging Face where it has one. answer_code: see `lingon.tasks.task.Exportable`.
    labels: the names of what there is to predict; none for numbers. outputs: the logits of a text.
    """

    problem_type: ClassVar[ProblemType]
    answer_code: ClassVar[str]

    @property
    def labels(self) -> list[str]: ...

    @property
    def outputs(self) -> int: ...

    def numbers(self, labels: Sequence[Any]) -> np.ndarray:
        """Return the labels of n texts as the column of a batch [n, ...]. Raises UserError for an unknown one."""
        ...

    def linear_problem(self) -> LinearProblem:
        """Return what dual coordinate descent learns of a text."""
        ...

    def loss(self, logits: Float[Tensor, "B C"], numbers: Tensor, weights: Float[Tensor, " B"] | None = None) -> Loss:
        """Return the loss of a batch. weights: of the texts; all alike when not given."""
        ...

    def scores(
        self, logits: Float[Tensor, "n C"], numbers: Tensor, weights: Float[Tensor, " n"] | None = None
    ) -> Scores:
        """Return all metrics, with tables. weights: of the texts; the loss counts each by it."""
        ...

    def metrics_of(
        self, logits: Float[Tensor, "n C"], numbers: Tensor, weights: Float[Tensor, " n"] | None = None
    ) -> dict[str, float]:
        """Return the metrics alone. Broken logits give NaN."""
        ...

    def predictions(self, inputs: Sequence[Any], logits: Float[Tensor, "n C"]) -> Sequence[Prediction]:
        """Return the prediction for each text, or pair of texts."""
        ...

    def strengths(self, logits: Float[Tensor, "n C"], label: str | None) -> Float[Tensor, " n"]:
        """Return what a word can change: the probability of a label, or a number."""
        ...

    def scale_of(self, logits: Float[Tensor, "n C"], numbers: Tensor, weights: Tensor | None, usual: float) -> float:
        """Return the factor of the logits that makes the labels most probable; 1 where there are no probabilities."""
        ...

    def calibrated(self, logits: Float[Tensor, "n C"], numbers: Tensor, scale: float = 1.0) -> "Targets":
        """Return the same with what is fitted to validation texts: thresholds, and a factor of the logits."""
        ...

    def calibrated_as(self, other: Any) -> "Targets":
        """Return the same with what was fitted for another of its kind and labels."""
        ...

    def config(self) -> dict[str, Any]:
        """Return what config.json says of it, without labels and problem type."""
        ...

    @classmethod
    def check_config(cls, labels: Sequence[Any], config: Mapping[str, Any]) -> int:
        """Return the outputs. Raise DataError naming the key when a configuration from a file is invalid."""
        ...

    @classmethod
    def from_config(cls, labels: Sequence[str], config: Mapping[str, Any]) -> "Targets":
        """Return the targets of a checked configuration."""
        ...
