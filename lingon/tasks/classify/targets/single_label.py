"""One label for each text: a softmax over the classes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F

from lingon.core.errors import UserError, unknown
from lingon.core.shapes import Float, Int, Tensor
from lingon.core.terminal import printable
from lingon.engine.linear_problems import OneVersusRest
from lingon.engine.loss import Loss
from lingon.metrics.accuracy import accuracy, macro_f1
from lingon.metrics.calibration import expected_calibration_error
from lingon.metrics.class_table import class_lines
from lingon.metrics.confusion import confusion_matrix
from lingon.metrics.per_class import per_class
from lingon.metrics.ranking import auc
from lingon.metrics.scores import Scores
from lingon.tasks.classify.answer_code import ANSWER_CODE
from lingon.tasks.classify.objective import weighted_cross_entropy
from lingon.tasks.classify.targets.label_names import check_labels


@dataclass(frozen=True)
class Classification:
    """What a classifier says of one text: the likeliest label, and a probability for each label."""

    text: str
    label: str
    probability: float
    probabilities: dict[str, float]

    def row(self) -> dict[str, Any]:
        """Return the fields by name, the text first."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{printable(self.label):10} {self.probability:6.1%}  {printable(self.text)}"


class SingleLabel:
    """One of two or more labels. class_weights: how much each label counts in the loss that is trained."""

    problem_type: ClassVar[str] = "single-label"
    main: ClassVar[str] = "accuracy"
    metrics: ClassVar[Sequence[str]] = ("accuracy", "macro_f1", "auc", "loss", "calibration_error")
    answer_code: ClassVar[str] = ANSWER_CODE

    def __init__(self, labels: Sequence[str], class_weights: Sequence[float] | None = None):
        if len(labels) < 2 or len(set(labels)) < len(labels):
            raise UserError(f"a classifier needs two or more different labels, not {list(labels)[:5]}")
        self.labels, self.class_weights = list(labels), class_weights
        self._number = {label: i for i, label in enumerate(self.labels)}

    @property
    def outputs(self) -> int:
        return len(self.labels)

    def numbers(self, labels: Sequence[str]) -> Int[np.ndarray, " n"]:
        """Return the class numbers of labels. Raises UserError for a label that is not known."""
        for label in labels:
            if label not in self._number:
                raise unknown("label", label, self.labels)
        return np.fromiter((self._number[label] for label in labels), np.int64, len(labels))

    def linear_problem(self) -> OneVersusRest:
        """Return each class against the rest, by the weights of the classes."""
        return OneVersusRest(self.outputs, self.class_weights)

    def loss(
        self, logits: Float[Tensor, "B C"], numbers: Int[Tensor, " B"], weights: Float[Tensor, " B"] | None = None
    ) -> Loss:
        """Return the cross entropy, by the weights of classes and texts."""
        return weighted_cross_entropy(logits, numbers, self.class_weights, weights)

    def scores(
        self, logits: Float[Tensor, "n C"], numbers: Int[Tensor, " n"], weights: Float[Tensor, " n"] | None = None
    ) -> Scores:
        """Return loss, accuracy, macro F1, area under the ROC curve and calibration error.

        Its table `per_class` has precision, recall, F1 and support of each label. See `Targets.scores`.
        """
        classes = zip(self.labels, per_class(confusion_matrix(logits, numbers)), strict=True)
        table = {label: found._asdict() for label, found in classes}
        return Scores(scores(logits, numbers, weights), self.main, {"per_class": table}, class_lines(table))

    def metrics_of(
        self, logits: Float[Tensor, "n C"], numbers: Int[Tensor, " n"], weights: Float[Tensor, " n"] | None = None
    ) -> dict[str, float]:
        """Return the metrics alone; NaN for broken logits."""
        return scores(logits, numbers, weights)

    def predictions(self, texts: Sequence[str], logits: Float[Tensor, "n C"]) -> list[Classification]:
        """Return the likeliest label of each text, with the probabilities of all."""
        rows = logits.softmax(-1).tolist()
        return [self._prediction(text, row) for text, row in zip(texts, rows, strict=True)]

    def _prediction(self, text: str, row: list[float]) -> Classification:
        best = max(range(len(row)), key=row.__getitem__)
        return Classification(text, self.labels[best], row[best], dict(zip(self.labels, row, strict=True)))

    def calibrated(self, logits: Tensor, numbers: Tensor, weights: Tensor | None = None) -> "SingleLabel":
        """Return the same: nothing is fitted."""
        return self

    def config(self) -> dict[str, Any]:
        """Return nothing: the labels are all."""
        return {}

    @classmethod
    def check_config(cls, labels: Sequence[Any], config: Mapping[str, Any]) -> None:
        """Raise DataError for labels that are not two or more different texts."""
        check_labels(labels, 2)

    @classmethod
    def from_config(cls, labels: Sequence[str], config: Mapping[str, Any]) -> "SingleLabel":
        """Return the targets of a checked configuration."""
        return cls(labels)


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
