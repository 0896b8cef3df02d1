"""A number for each text: the squared error of a number that is standardised inside and given back in its unit."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from lingon.core.shapes import Float, Tensor
from lingon.core.terminal import printable
from lingon.data.problem_types import ProblemType
from lingon.engine.linear_problems import Ridge
from lingon.engine.loss import Loss
from lingon.metrics.correlation import pearson, spearman
from lingon.metrics.errors_of_numbers import mae, r2, rmse
from lingon.metrics.scores import Scores
from lingon.tasks.classify.problem_metrics import METRICS
from lingon.tasks.classify.targets.label_names import check_keys, check_number


@dataclass(frozen=True)
class NumberOf:
    """The prediction of a model for one text: a number, in the unit of those it was trained on."""

    text: Any
    value: float

    def row(self) -> dict[str, Any]:
        """Return the fields by name, the text first."""
        return {"text": self.text, "value": self.value}

    def __str__(self) -> str:
        text = " | ".join(self.text) if isinstance(self.text, tuple) else self.text
        return f"{self.value:10.4g}  {printable(text)}"


@dataclass(frozen=True)
class Regression:
    """A number. mean, std: of the numbers in training; the model gives their distance from the mean in std."""

    mean: float = 0.0
    std: float = 1.0
    problem_type: ClassVar[ProblemType] = "regression"
    answer_code: ClassVar[str] = """\
print(f"{logits[0, 0] * config['targets']['std'] + config['targets']['mean']:.4f}")"""

    @classmethod
    def of(cls, labels: Sequence[float]) -> "Regression":
        """Return the targets for training labels."""
        values = np.asarray(labels, np.float64)
        return cls(float(values.mean()), float(values.std()) or 1.0)

    @property
    def labels(self) -> list[str]:
        return []

    @property
    def outputs(self) -> int:
        return 1

    def numbers(self, labels: Sequence[float]) -> Float[np.ndarray, " n"]:
        """Return the numbers, standardised."""
        return ((np.asarray(labels, np.float64) - self.mean) / self.std).astype(np.float32)

    def linear_problem(self) -> Ridge:
        """Return ridge regression."""
        return Ridge()

    def loss(
        self, logits: Float[Tensor, "B 1"], numbers: Float[Tensor, " B"], weights: Float[Tensor, " B"] | None = None
    ) -> Loss:
        """Return the squared error of the standardised numbers."""
        errors = (logits[:, 0] - numbers).square()
        return Loss(errors.sum(), len(errors)) if weights is None else Loss(errors @ weights, weights.sum().item())

    def values(self, numbers: Float[Tensor, " n"]) -> Float[np.ndarray, " n"]:
        """Return standardised numbers in their unit."""
        return numbers.double().numpy() * self.std + self.mean

    def scores(
        self, logits: Float[Tensor, "n 1"], numbers: Float[Tensor, " n"], weights: Float[Tensor, " n"] | None = None
    ) -> Scores:
        """Return root mean squared and mean absolute error, in the unit of the numbers; correlations, R2, the loss."""
        return Scores(self.metrics_of(logits, numbers, weights), METRICS[self.problem_type][0])

    def metrics_of(
        self, logits: Float[Tensor, "n 1"], numbers: Float[Tensor, " n"], weights: Float[Tensor, " n"] | None = None
    ) -> dict[str, float]:
        """Return the metrics alone; NaN for broken numbers."""
        if not logits.isfinite().all():
            return dict.fromkeys(METRICS[self.problem_type], math.nan)
        predicted, true, loss = self.values(logits[:, 0]), self.values(numbers), self.loss(logits, numbers, weights)
        return {
            "rmse": rmse(predicted, true),
            "mae": mae(predicted, true),
            "pearson": pearson(predicted.tolist(), true.tolist()),
            "spearman": spearman(predicted.tolist(), true.tolist()).rho,
            "r2": r2(predicted, true),
            "loss": loss.total.item() / loss.count,
        }

    def predictions(self, inputs: Sequence[Any], logits: Float[Tensor, "n 1"]) -> list[NumberOf]:
        """Return the number of each text."""
        return [NumberOf(text, value) for text, value in zip(inputs, self.values(logits[:, 0]).tolist(), strict=True)]

    def strengths(self, logits: Float[Tensor, "n 1"], label: str | None) -> Float[Tensor, " n"]:
        """Return the number, in its unit."""
        return logits[:, 0].double() * self.std + self.mean

    def scale_of(self, logits: Tensor, numbers: Tensor, weights: Tensor | None, usual: float) -> float:
        """Return 1: there are no probabilities."""
        return 1.0

    def calibrated(self, logits: Tensor, numbers: Tensor, scale: float = 1.0) -> "Regression":
        """Return the same: nothing is fitted."""
        return self

    def calibrated_as(self, other: "Regression") -> "Regression":
        """Return the same: nothing was fitted."""
        return self

    def config(self) -> dict[str, Any]:
        """Return mean and std."""
        return {"mean": self.mean, "std": self.std}

    @classmethod
    def check_config(cls, labels: Sequence[Any], config: Mapping[str, Any]) -> int:
        """Return the outputs. Raise DataError for labels, or for a mean or std that cannot be."""
        check_keys(config, ("mean", "std"))
        check_number(config, "mean", -1e300, 1e300)
        check_number(config, "std", 1e-300, 1e300)
        return 1

    @classmethod
    def from_config(cls, labels: Sequence[str], config: Mapping[str, Any]) -> "Regression":
        """Return the targets of a checked configuration."""
        return cls(float(config["mean"]), float(config["std"]))
