"""One label for each text: a softmax over the classes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F

from lingon.core.errors import DataError, UserError
from lingon.core.shapes import Float, Int, Tensor
from lingon.core.terminal import printable
from lingon.core.terminal_columns import padded
from lingon.data.problem_types import ProblemType
from lingon.engine.linear_problems import OneVersusRest
from lingon.engine.loss import Loss
from lingon.metrics.accuracy import accuracy, macro_f1
from lingon.metrics.calibration import expected_calibration_error
from lingon.metrics.class_table import class_lines
from lingon.metrics.confusion import confusion_matrix
from lingon.metrics.per_class import per_class
from lingon.metrics.ranking import auc
from lingon.metrics.scores import Scores, Table
from lingon.tasks.classify.answer_code import ANSWER_CODE
from lingon.tasks.classify.calibration import fitted_scale
from lingon.tasks.classify.objective import weighted_cross_entropy
from lingon.tasks.classify.problem_metrics import METRICS
from lingon.tasks.classify.targets.label_names import check_keys, check_labels, check_number, class_numbers
from lingon.tasks.classify.targets.rare_label import RareLabel, rare_lines, scores_of_rare
from lingon.tasks.classify.targets.thresholds import best_threshold


@dataclass(frozen=True)
class Classification:
    """The prediction of a classifier for one text: the likeliest label, and a probability for each label."""

    text: Any
    label: str
    probability: float
    probabilities: dict[str, float]

    def row(self) -> dict[str, Any]:
        """Return the fields by name, the text first."""
        return asdict(self)

    def __str__(self) -> str:
        text = " | ".join(self.text) if isinstance(self.text, tuple) else self.text
        return f"{padded(self.label, 10)} {self.probability:6.1%}  {printable(text)}"


class SingleLabel:
    """One of two or more labels.

    class_weights: how much each label counts in the loss that is trained; gamma: of the focal loss. temperature: logits
    are divided by it. rare: the rare label of two, and the threshold of its probability that finds it best by F1 in
    validation texts; predictions are the likeliest label all the same.
    """

    problem_type: ClassVar[ProblemType] = "single-label"
    answer_code: ClassVar[str] = ANSWER_CODE

    def __init__(
        self,
        labels: Sequence[str],
        class_weights: Sequence[float] | None = None,
        gamma: float = 0.0,
        temperature: float = 1.0,
        rare: RareLabel | None = None,
    ):
        if len(labels) < 2 or len(set(labels)) < len(labels):
            raise UserError(f"a classifier needs two or more different labels, not {list(labels)[:5]}")
        self.labels, self.class_weights, self.gamma = list(labels), class_weights, gamma
        self.temperature, self.rare = temperature, rare

    @property
    def outputs(self) -> int:
        return len(self.labels)

    def numbers(self, labels: Sequence[str]) -> Int[np.ndarray, " n"]:
        """Return the class numbers of labels. Raises UserError for a label that is not known."""
        return class_numbers(labels, self.labels, len(labels))

    def linear_problem(self) -> OneVersusRest:
        """Return each class against the rest, by the weights of the classes."""
        return OneVersusRest(self.outputs, self.class_weights)

    def loss(
        self, logits: Float[Tensor, "B C"], numbers: Int[Tensor, " B"], weights: Float[Tensor, " B"] | None = None
    ) -> Loss:
        """Return the cross entropy, by the weights of classes and texts."""
        return weighted_cross_entropy(logits, numbers, self.class_weights, weights, self.gamma)

    def probabilities(self, logits: Float[Tensor, "n C"]) -> Float[Tensor, "n C"]:
        """Return the probability of each label."""
        return self._tempered(logits).softmax(-1)

    def _tempered(self, logits: Tensor) -> Tensor:
        return logits if self.temperature == 1 else logits / self.temperature

    def scores(
        self, logits: Float[Tensor, "n C"], numbers: Int[Tensor, " n"], weights: Float[Tensor, " n"] | None = None
    ) -> Scores:
        """Return loss, accuracy, macro F1, area under the ROC curve and calibration error.

        Its table `per_class` has precision, recall, F1 and support of each label. With a rare label, `at_threshold` has
        how well that is found at its threshold.
        """
        classes = zip(self.labels, per_class(confusion_matrix(logits, numbers)), strict=True)
        table = {label: found._asdict() for label, found in classes}
        tables: dict[str, Table] = {"per_class": table}
        lines = class_lines(table)
        if self.rare is not None:
            column = self.labels.index(self.rare.label)
            at = scores_of_rare(self.rare, self.probabilities(logits)[:, column], numbers == column)
            tables["at_threshold"] = {self.rare.label: at}
            lines += rare_lines(self.rare, at)
        return Scores(self.metrics_of(logits, numbers, weights), METRICS[self.problem_type][0], tables, lines)

    def metrics_of(
        self, logits: Float[Tensor, "n C"], numbers: Int[Tensor, " n"], weights: Float[Tensor, " n"] | None = None
    ) -> dict[str, float]:
        """Return the metrics alone; NaN for broken logits."""
        return scores(self._tempered(logits), numbers, weights)

    def predictions(self, inputs: Sequence[Any], logits: Float[Tensor, "n C"]) -> list[Classification]:
        """Return the likeliest label of each text, with the probabilities of all."""
        rows = self.probabilities(logits).tolist()
        return [self._prediction(text, row) for text, row in zip(inputs, rows, strict=True)]

    def _prediction(self, text: Any, row: list[float]) -> Classification:
        best = max(range(len(row)), key=row.__getitem__)
        return Classification(text, self.labels[best], row[best], dict(zip(self.labels, row, strict=True)))

    def strengths(self, logits: Float[Tensor, "n C"], label: str | None) -> Float[Tensor, " n"]:
        """Return the probability of a label."""
        return self.probabilities(logits)[:, self.labels.index(str(label))]

    def scale_of(
        self, logits: Float[Tensor, "n C"], numbers: Int[Tensor, " n"], weights: Tensor | None, usual: float
    ) -> float:
        """Return the factor that makes the labels most probable."""
        wide = logits.double()

        def loss(scale: float) -> float:
            if weights is None:
                return F.cross_entropy(wide * scale, numbers, reduction="sum").item()
            return float(F.cross_entropy(wide * scale, numbers, reduction="none") @ weights.double())

        return fitted_scale(loss, usual)

    def calibrated(self, logits: Float[Tensor, "n C"], numbers: Int[Tensor, " n"], scale: float = 1.0) -> "SingleLabel":
        """Return the same with a temperature, and the threshold of a rare label."""
        found = self._with(1 / scale, self.rare)
        if self.rare is None:
            return found
        column = self.labels.index(self.rare.label)
        probabilities = found.probabilities(logits)[:, column].double()
        threshold = best_threshold(probabilities.numpy(), (numbers == column).numpy())
        return self._with(1 / scale, RareLabel(self.rare.label, threshold))

    def calibrated_as(self, other: Any) -> "SingleLabel":
        """Return the same with the temperature and threshold of another."""
        return self._with(other.temperature, other.rare)

    def _with(self, temperature: float, rare: RareLabel | None) -> "SingleLabel":
        return SingleLabel(self.labels, self.class_weights, self.gamma, temperature, rare)

    def config(self) -> dict[str, Any]:
        """Return the temperature, and the rare label with its threshold."""
        return {"temperature": self.temperature, "rare": None if self.rare is None else self.rare._asdict()}

    @classmethod
    def check_config(cls, labels: Sequence[Any], config: Mapping[str, Any]) -> int:
        """Return the outputs. Raise DataError for labels that are not two or more different texts, and other keys."""
        check_labels(labels, 2)
        check_keys(config, ("temperature", "rare"))
        check_number(config, "temperature", 1e-6, 1e6, 1.0)
        if (rare := config.get("rare")) is not None:
            if not isinstance(rare, Mapping) or set(rare) != {"label", "threshold"} or rare["label"] not in labels:
                raise DataError(f"key 'rare' is {str(rare)[:40]!r}, expected a label of 'labels' and a threshold")
            check_number(rare, "threshold", 0, 1)
        return len(labels)

    @classmethod
    def from_config(cls, labels: Sequence[str], config: Mapping[str, Any]) -> "SingleLabel":
        """Return the targets of a checked configuration; one without a temperature is of before there was one."""
        rare = config.get("rare")
        temperature = float(config.get("temperature", 1.0))
        return cls(labels, temperature=temperature, rare=None if rare is None else RareLabel(**rare))


def scores(
    logits: Float[Tensor, "n C"], targets: Int[Tensor, " n"], weights: Float[Tensor, " n"] | None = None
) -> dict[str, float]:
    """Loss, accuracy, macro F1, AUC and calibration error of logits against class numbers [n].

    All are NaN where a logit is NaN or infinite: the model is broken, and the class that it seems to give is chance.
    weights: of the texts in loss, accuracy and macro F1; the other two count all texts alike.
    """
    if not logits.isfinite().all():
        logits = torch.full_like(logits, torch.nan)
    probabilities = logits.softmax(-1)
    return {
        "loss": _loss(logits, targets, weights),
        "accuracy": accuracy(logits, targets, weights),
        "macro_f1": macro_f1(logits, targets, weights),
        "auc": auc(probabilities, targets),
        "calibration_error": expected_calibration_error(probabilities, targets),
    }


def _loss(logits: Tensor, targets: Tensor, weights: Tensor | None) -> float:
    if weights is None:
        return F.cross_entropy(logits, targets).item()
    found = weighted_cross_entropy(logits, targets, None, weights)
    return found.total.item() / found.count
