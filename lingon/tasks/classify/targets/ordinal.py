"""A rank for each text: cumulative logits, each whether the rank is over one of the others."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int, Tensor
from lingon.data.problem_types import ProblemType
from lingon.engine.linear_problems import Cumulative
from lingon.engine.loss import Loss
from lingon.metrics.accuracy import accuracy, macro_f1
from lingon.metrics.class_table import class_lines
from lingon.metrics.confusion import confusion_matrix
from lingon.metrics.errors_of_numbers import mae
from lingon.metrics.kappa import quadratic_kappa
from lingon.metrics.per_class import per_class
from lingon.metrics.scores import Scores
from lingon.tasks.classify.calibration import fitted_scale
from lingon.tasks.classify.objective import weighted_binary_cross_entropy
from lingon.tasks.classify.problem_metrics import METRICS
from lingon.tasks.classify.targets.label_names import check_keys, check_labels, check_number, class_numbers
from lingon.tasks.classify.targets.single_label import Classification


class Ordinal:
    """One of K ranks, labels that are numbers in rising order. temperature: logits are divided by it.

    Output k is the logit of P(rank > k), k = 0 .. K-2; each is a problem of two classes (Frank and Hall 2001, "A Simple
    Approach to Ordinal Classification"; as a loss of a network: Cao et al. 2020, without its shared weights). So that
    the thresholds are in order, a logit counts as no more than the ones before it. The rank is the median: the first
    that is not exceeded with a probability over a half.
    """

    problem_type: ClassVar[ProblemType] = "ordinal"
    answer_code: ClassVar[str] = """\
over = 1 / (1 + np.exp(-np.minimum.accumulate(logits[0]) / config["targets"]["temperature"]))
odds = -np.diff(np.concatenate([[1.0], over, [0.0]]))
best = int((over > 0.5).sum())
print(config["labels"][best], f"{odds[best]:.4f}")"""

    def __init__(self, labels: Sequence[str], temperature: float = 1.0):
        if len(labels) < 2:
            raise UserError(f"ranks need two or more different labels, not {list(labels)[:5]}")
        try:
            self.values = [float(label) for label in labels]
        except ValueError:
            raise UserError(f"ranks are numbers, such as 1 to 5, not {list(labels)[:5]}") from None
        if sorted(set(self.values)) != self.values or not all(map(math.isfinite, self.values)):
            raise UserError(f"ranks are different numbers in rising order, not {list(labels)[:5]}")
        self.labels, self.temperature = list(labels), temperature

    @property
    def outputs(self) -> int:
        return len(self.labels) - 1

    def numbers(self, labels: Sequence[str]) -> Int[np.ndarray, " n"]:
        """Return the ranks from 0. Raises UserError for a label that is not known."""
        return class_numbers(labels, self.labels, len(labels))

    def linear_problem(self) -> Cumulative:
        """Return whether the rank is over each of the others."""
        return Cumulative(self.outputs)

    def loss(
        self, logits: Float[Tensor, "B K"], numbers: Int[Tensor, " B"], weights: Float[Tensor, " B"] | None = None
    ) -> Loss:
        """Return the binary cross entropy, a mean over the thresholds of each text."""
        return weighted_binary_cross_entropy(logits, self._over(numbers).to(logits.dtype), None, weights)

    def _over(self, numbers: Int[Tensor, " n"]) -> Tensor:
        return numbers[:, None] > torch.arange(self.outputs, device=numbers.device)

    def probabilities(self, logits: Float[Tensor, "n K"]) -> Float[Tensor, "n C"]:
        """Return the probability of each rank."""
        over = (logits.double().cummin(1).values / self.temperature).sigmoid()
        ends = torch.ones(len(over), 1, dtype=torch.float64)
        return (-torch.cat([ends, over, 0 * ends], 1).diff(dim=1)).clamp(min=0)

    def ranks(self, logits: Float[Tensor, "n K"]) -> Int[Tensor, " n"]:
        """Return the median rank of each text."""
        return (logits.cummin(1).values > 0).sum(1)

    def scores(
        self, logits: Float[Tensor, "n K"], numbers: Int[Tensor, " n"], weights: Float[Tensor, " n"] | None = None
    ) -> Scores:
        """Return quadratic kappa, mean absolute error in the unit of the labels, accuracy, macro F1 and the loss.

        Its table `per_class` has precision, recall, F1 and support of each rank.
        """
        matrix = confusion_matrix(self._one_hot(logits), numbers)
        table = {label: of._asdict() for label, of in zip(self.labels, per_class(matrix), strict=True)}
        found = self.metrics_of(logits, numbers, weights)
        return Scores(found, METRICS[self.problem_type][0], {"per_class": table}, class_lines(table))

    def _one_hot(self, logits: Float[Tensor, "n K"]) -> Float[Tensor, "n C"]:
        return F.one_hot(self.ranks(logits), len(self.labels)).double()

    def metrics_of(
        self, logits: Float[Tensor, "n K"], numbers: Int[Tensor, " n"], weights: Float[Tensor, " n"] | None = None
    ) -> dict[str, float]:
        """Return the metrics alone; NaN for broken logits. weights: of the texts in loss, accuracy and macro F1."""
        if not logits.isfinite().all():
            return dict.fromkeys(METRICS[self.problem_type], math.nan)
        found, values = self._one_hot(logits), np.asarray(self.values)
        loss = weighted_binary_cross_entropy(
            logits / self.temperature, self._over(numbers).to(logits.dtype), None, weights
        )
        return {
            "quadratic_kappa": quadratic_kappa(confusion_matrix(found, numbers)),
            "mae": mae(values[found.argmax(1).numpy()], values[numbers.numpy()]),
            "accuracy": accuracy(found, numbers, weights),
            "macro_f1": macro_f1(found, numbers, weights),
            "loss": loss.total.item() / loss.count,
        }

    def predictions(self, inputs: Sequence[Any], logits: Float[Tensor, "n K"]) -> list[Classification]:
        """Return the median rank of each text, with the probabilities of all."""
        rows = zip(inputs, self.ranks(logits).tolist(), self.probabilities(logits).tolist(), strict=True)
        return [
            Classification(text, self.labels[rank], row[rank], dict(zip(self.labels, row, strict=True)))
            for text, rank, row in rows
        ]

    def strengths(self, logits: Float[Tensor, "n K"], label: str | None) -> Float[Tensor, " n"]:
        """Return the probability of a rank."""
        return self.probabilities(logits)[:, self.labels.index(str(label))]

    def scale_of(
        self, logits: Float[Tensor, "n K"], numbers: Int[Tensor, " n"], weights: Tensor | None, usual: float
    ) -> float:
        """Return the factor that makes the ranks most probable."""
        wide, over = logits.double(), self._over(numbers).double()
        of_texts = torch.ones(len(wide), dtype=torch.float64) if weights is None else weights.double()

        def loss(scale: float) -> float:
            losses = F.binary_cross_entropy_with_logits(wide * scale, over, reduction="none")
            return float(losses.sum(1) @ of_texts)

        return fitted_scale(loss, usual)

    def calibrated(self, logits: Tensor, numbers: Tensor, scale: float = 1.0) -> "Ordinal":
        """Return the same with a temperature."""
        return Ordinal(self.labels, 1 / scale)

    def calibrated_as(self, other: "Ordinal") -> "Ordinal":
        """Return the same with the temperature of another."""
        return Ordinal(self.labels, other.temperature)

    def config(self) -> dict[str, Any]:
        """Return the temperature."""
        return {"temperature": self.temperature}

    @classmethod
    def check_config(cls, labels: Sequence[Any], config: Mapping[str, Any]) -> int:
        """Return the outputs. Raise DataError for labels or a temperature that cannot be."""
        check_labels(labels, 2)
        check_keys(config, ("temperature",))
        check_number(config, "temperature", 1e-6, 1e6)
        cls(labels)
        return len(labels) - 1

    @classmethod
    def from_config(cls, labels: Sequence[str], config: Mapping[str, Any]) -> "Ordinal":
        """Return the targets of a checked configuration."""
        return cls(labels, float(config["temperature"]))
