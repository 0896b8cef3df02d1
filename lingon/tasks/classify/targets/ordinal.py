"""A rank for each text, by conditional logits: whether the rank exceeds one that it reaches."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int, Tensor
from lingon.data.problem_types import ProblemType
from lingon.engine.linear_problems import Continuation
from lingon.engine.loss import Loss
from lingon.metrics.accuracy import accuracy, macro_f1
from lingon.metrics.class_table import class_lines
from lingon.metrics.confusion import confusion_matrix
from lingon.metrics.errors_of_numbers import mae
from lingon.metrics.kappa import quadratic_kappa
from lingon.metrics.per_class import per_class
from lingon.metrics.scores import Scores
from lingon.tasks.classify.calibration import fitted_scale
from lingon.tasks.classify.problem_metrics import METRICS
from lingon.tasks.classify.targets.label_names import check_keys, check_labels, check_number, class_numbers
from lingon.tasks.classify.targets.single_label import Classification


class Ordinal:
    """One of K ranks, labels that are numbers in rising order. temperature: logits are divided by it.

    Output k is the logit of P(rank > k | rank >= k), k = 0 .. K-2, so that P(rank > k) is the product of those up to k
    and falls with k whatever the logits are: the continuation-ratio model (Shi, Cao and Raschka 2021, "Deep Neural
    Networks for Rank-Consistent Ordinal Regression Based On Conditional Probabilities", CORN). The rank is the median:
    the first that is not exceeded with a probability over a half.
    """

    problem_type: ClassVar[ProblemType] = "ordinal"
    answer_code: ClassVar[str] = """\
over = np.cumprod(1 / (1 + np.exp(-logits[0] / config["targets"]["temperature"])))
odds = np.append(1.0, over) - np.append(over, 0.0)
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

    def linear_problem(self) -> Continuation:
        """Return whether the rank is over each that it reaches."""
        return Continuation(self.outputs)

    def loss(
        self, logits: Float[Tensor, "B K"], numbers: Int[Tensor, " B"], weights: Float[Tensor, " B"] | None = None
    ) -> Loss:
        """Return -log P(rank), a sum over the texts."""
        each = self._log_losses(logits, numbers)
        return Loss(each.sum(), len(each)) if weights is None else Loss(each @ weights, weights.sum().item())

    def _log_losses(self, logits: Float[Tensor, "n K"], numbers: Int[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Return -log P(rank) of each text: what the outputs up to its rank say, the later ones are not asked."""
        ranks, outputs = numbers[:, None], torch.arange(self.outputs, device=numbers.device)
        each = F.binary_cross_entropy_with_logits(logits, (ranks > outputs).to(logits.dtype), reduction="none")
        return torch.where(ranks >= outputs, each, 0).sum(1)

    def _over(self, logits: Float[Tensor, "n K"]) -> Float[Tensor, "n K"]:
        """Return P(rank > k)."""
        return (logits.double() / self.temperature).sigmoid().cumprod(1)

    def probabilities(self, logits: Float[Tensor, "n K"]) -> Float[Tensor, "n C"]:
        """Return the probability of each rank."""
        over = self._over(logits)
        at_least = F.pad(over, (1, 0), value=1.0)
        return at_least - F.pad(over, (0, 1))

    def ranks(self, logits: Float[Tensor, "n K"]) -> Int[Tensor, " n"]:
        """Return the median rank of each text."""
        return (self._over(logits) > 0.5).sum(1)

    def scores(
        self, logits: Float[Tensor, "n K"], numbers: Int[Tensor, " n"], weights: Float[Tensor, " n"] | None = None
    ) -> Scores:
        """Return quadratic kappa, mean absolute error in the unit of the labels, accuracy, macro F1 and the loss.

        Its table `per_class` has precision, recall, F1 and support of each rank.
        """
        matrix = confusion_matrix(self._one_hot(logits), numbers)
        table = {label: of._asdict() for label, of in zip(self.labels, per_class(matrix), strict=True)}
        found = self.metrics_of(logits, numbers, weights)
        return Scores(found, METRICS[self.problem_type][0], {"per_class": table}, class_lines(table, weighted=False))

    def _one_hot(self, logits: Float[Tensor, "n K"]) -> Float[Tensor, "n C"]:
        return F.one_hot(self.ranks(logits), len(self.labels)).double()

    def metrics_of(
        self, logits: Float[Tensor, "n K"], numbers: Int[Tensor, " n"], weights: Float[Tensor, " n"] | None = None
    ) -> dict[str, float]:
        """Return the metrics alone; NaN for broken logits. weights: of the texts in loss, accuracy and macro F1."""
        if not logits.isfinite().all():
            return dict.fromkeys(METRICS[self.problem_type], math.nan)
        found, values = self._one_hot(logits), np.asarray(self.values)
        loss = self.loss(logits / self.temperature, numbers, weights)
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
        wide = logits.double()
        of_texts = torch.ones(len(wide), dtype=torch.float64) if weights is None else weights.double()
        return fitted_scale(lambda scale: float(self._log_losses(wide * scale, numbers) @ of_texts), usual)

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
