"""What a kind of target is: how labels become numbers, what the loss and the scores are, and what is predicted."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from lingon.core.shapes import Float, Tensor
from lingon.engine.linear_problems import LinearProblem
from lingon.engine.loss import Loss
from lingon.metrics.scores import Scores
from lingon.tasks.task import Prediction


@runtime_checkable
class Targets(Protocol):
    """What a classifier predicts. A value: what is fitted to validation texts gives a new one.

    problem_type: its name, that of Hugging Face where it has one. main: the metric that models are compared by.
    metrics: those that a training can be selected by. answer_code: see `lingon.tasks.task.Exportable`.
    labels: the names of what there is to predict; none for numbers. outputs: the logits of a text.
    """

    problem_type: ClassVar[str]
    main: ClassVar[str]
    metrics: ClassVar[Sequence[str]]
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
        """Return all metrics, with tables. weights: of the texts; the loss, accuracy and F1 count each by it."""
        ...

    def metrics_of(
        self, logits: Float[Tensor, "n C"], numbers: Tensor, weights: Float[Tensor, " n"] | None = None
    ) -> dict[str, float]:
        """Return the metrics alone. Broken logits give NaN."""
        ...

    def predictions(self, texts: Sequence[Any], logits: Float[Tensor, "n C"]) -> Sequence[Prediction]:
        """Return what is said of each text."""
        ...

    def calibrated(self, logits: Float[Tensor, "n C"], numbers: Tensor, weights: Tensor | None = None) -> "Targets":
        """Return the same with what is fitted to validation texts: a temperature, thresholds."""
        ...

    def config(self) -> dict[str, Any]:
        """Return what config.json says of it, without labels and problem type."""
        ...

    @classmethod
    def check_config(cls, labels: Sequence[Any], config: Mapping[str, Any]) -> None:
        """Raise DataError naming the key when a configuration from a file cannot be meant."""
        ...

    @classmethod
    def from_config(cls, labels: Sequence[str], config: Mapping[str, Any]) -> "Targets":
        """Return the targets of a checked configuration."""
        ...
