"""Several labels for each text, or none: a sigmoid for each, and a threshold over which a text has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F

from lingon.core.counted import counted
from lingon.core.errors import UserError, unknown
from lingon.core.shapes import Bool, Float, Tensor
from lingon.core.terminal import printable
from lingon.core.terminal_columns import padded
from lingon.data.problem_types import ProblemType
from lingon.engine.linear_problems import SeveralVersusRest
from lingon.engine.loss import Loss
from lingon.metrics import several_labels as sets
from lingon.metrics.class_table import class_lines
from lingon.metrics.ranking import binary_auc
from lingon.metrics.scores import Scores
from lingon.tasks.classify.calibration import fitted_scale
from lingon.tasks.classify.objective import weighted_binary_cross_entropy
from lingon.tasks.classify.problem_metrics import METRICS
from lingon.tasks.classify.targets.label_names import check_keys, check_labels, check_number, check_numbers
from lingon.tasks.classify.targets.thresholds import fitted_thresholds

USUAL = 0.5


@dataclass(frozen=True)
class LabelSet:
    """The prediction of a classifier for one text: its labels, likeliest first, and a probability for each label."""

    text: Any
    labels: list[str]
    probabilities: dict[str, float]

    def row(self) -> dict[str, Any]:
        """Return the fields by name, the text first."""
        return {"text": self.text, "labels": self.labels, "probabilities": self.probabilities}

    @property
    def label(self) -> str:
        """Return the likeliest label, whether the text has it or not."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def probability(self) -> float:
        return self.probabilities[self.label]

    def __str__(self) -> str:
        found = ", ".join(f"{printable(name)} {self.probabilities[name]:.1%}" for name in self.labels) or "no label"
        text = " | ".join(self.text) if isinstance(self.text, tuple) else self.text
        return f"{padded(found, 24)} {printable(text)}"


class MultiLabel:
    """Any of one or more labels.

    thresholds: the probability from which a text has each label, tuned on validation texts; a half when not given.
    temperature: logits are divided by it. class_weights: how much more each label counts in the loss of a text that has
    it; gamma: of the focal loss. The last two are for training alone.
    """

    problem_type: ClassVar[ProblemType] = "multi-label"
    answer_code: ClassVar[str] = """\
odds = 1 / (1 + np.exp(-logits[0] / config["targets"]["temperature"]))
for label, odd, least in zip(config["labels"], odds, config["targets"]["thresholds"]):
    if odd >= least:
        print(label, f"{odd:.4f}")"""

    def __init__(
        self,
        labels: Sequence[str],
        thresholds: Sequence[float] | None = None,
        temperature: float = 1.0,
        class_weights: Sequence[float] | None = None,
        gamma: float = 0.0,
    ):
        if not labels or len(set(labels)) < len(labels):
            raise UserError(f"a classifier needs one or more different labels, not {list(labels)[:5]}")
        self.labels, self.temperature = list(labels), temperature
        self.thresholds = [USUAL] * len(labels) if thresholds is None else list(thresholds)
        self.class_weights, self.gamma = class_weights, gamma
        self._number = {label: i for i, label in enumerate(self.labels)}

    @property
    def outputs(self) -> int:
        return len(self.labels)

    def numbers(self, labels: Sequence[Sequence[str]]) -> Float[np.ndarray, "n C"]:
        """Return 1 for each label of a text, else 0. Raises UserError for a label that is not known."""
        found = np.zeros((len(labels), self.outputs), np.float32)
        for row, names in zip(found, labels, strict=True):
            for name in (names,) if isinstance(names, str) else names:
                if name not in self._number:
                    raise unknown("label", name, self.labels)
                row[self._number[name]] = 1
        return found

    def linear_problem(self) -> SeveralVersusRest:
        """Return each label on its own, by the weights of the labels."""
        return SeveralVersusRest(self.class_weights)

    def loss(
        self, logits: Float[Tensor, "B C"], numbers: Float[Tensor, "B C"], weights: Float[Tensor, " B"] | None = None
    ) -> Loss:
        """Return the binary cross entropy, a mean over the labels of each text."""
        return weighted_binary_cross_entropy(logits, numbers, self.class_weights, weights, self.gamma)

    def probabilities(self, logits: Float[Tensor, "n C"]) -> Float[Tensor, "n C"]:
        """Return the probability of each label."""
        return (logits.double() / self.temperature).sigmoid()

    def chosen(self, logits: Float[Tensor, "n C"]) -> Bool[Tensor, "n C"]:
        """Return which labels each text has."""
        return self.probabilities(logits) >= torch.tensor(self.thresholds, dtype=torch.float64)

    def scores(
        self, logits: Float[Tensor, "n C"], numbers: Float[Tensor, "n C"], weights: Float[Tensor, " n"] | None = None
    ) -> Scores:
        """Return micro, macro and sample F1, subset accuracy, the area under the ROC curve and the loss.

        Its table `per_class` has precision, recall, F1 and support of each label.
        """
        rows = zip(self.labels, sets.per_label(self.chosen(logits), numbers > 0), strict=True)
        table = {label: found._asdict() for label, found in rows}
        found = self.metrics_of(logits, numbers, weights)
        lines = class_lines(table)
        if empty := int((numbers.sum(1) == 0).sum()):
            have = counted(empty, "text has", "texts have")
            lines.append(f"{have} no label, and even where none is predicted samples F1 counts 0, as in scikit-learn")
        return Scores(found, METRICS[self.problem_type][0], {"per_class": table}, lines)

    def metrics_of(
        self, logits: Float[Tensor, "n C"], numbers: Float[Tensor, "n C"], weights: Float[Tensor, " n"] | None = None
    ) -> dict[str, float]:
        """Return the metrics alone; NaN for broken logits. The area is a mean over the labels that have one."""
        if not logits.isfinite().all():
            return dict.fromkeys(METRICS[self.problem_type], float("nan"))
        predicted, true = self.chosen(logits), numbers > 0
        areas = [binary_auc(logits[:, c], true[:, c]) for c in range(self.outputs)]
        known = [area for area in areas if area == area]
        loss = weighted_binary_cross_entropy(logits / self.temperature, numbers, None, weights)
        return {
            "micro_f1": sets.micro_f1(predicted, true),
            "macro_f1": sets.macro_f1(predicted, true),
            "samples_f1": sets.samples_f1(predicted, true),
            "subset_accuracy": sets.subset_accuracy(predicted, true),
            "auc": sum(known) / len(known) if known else float("nan"),
            "loss": loss.total.item() / loss.count,
        }

    def predictions(self, inputs: Sequence[Any], logits: Float[Tensor, "n C"]) -> list[LabelSet]:
        """Return the labels of each text, with the probabilities of all."""
        rows = zip(inputs, self.probabilities(logits).tolist(), self.chosen(logits).tolist(), strict=True)
        return [self._prediction(text, row, chosen) for text, row, chosen in rows]

    def _prediction(self, text: Any, row: list[float], chosen: list[bool]) -> LabelSet:
        order = sorted(range(len(row)), key=lambda i: -row[i])
        return LabelSet(text, [self.labels[i] for i in order if chosen[i]], dict(zip(self.labels, row, strict=True)))

    def strengths(self, logits: Float[Tensor, "n C"], label: str | None) -> Float[Tensor, " n"]:
        """Return the probability of a label."""
        return self.probabilities(logits)[:, self.labels.index(str(label))]

    def scale_of(
        self, logits: Float[Tensor, "n C"], numbers: Float[Tensor, "n C"], weights: Tensor | None, usual: float
    ) -> float:
        """Return the factor that makes the labels most probable."""
        wide, true = logits.double(), numbers.double()
        of_texts = torch.ones(len(wide), dtype=torch.float64) if weights is None else weights.double()

        def loss(scale: float) -> float:
            losses = F.binary_cross_entropy_with_logits(wide * scale, true, reduction="none")
            return float(losses.sum(1) @ of_texts)

        return fitted_scale(loss, usual)

    def calibrated(
        self, logits: Float[Tensor, "n C"], numbers: Float[Tensor, "n C"], scale: float = 1.0
    ) -> "MultiLabel":
        """Return the same with a temperature, and thresholds that find these texts' labels best."""
        found = self._with(self.thresholds, 1 / scale)
        thresholds = fitted_thresholds(found.probabilities(logits).numpy(), numbers.numpy() > 0)
        return self._with(thresholds, 1 / scale)

    def calibrated_as(self, other: "MultiLabel") -> "MultiLabel":
        """Return the same with the thresholds and temperature of another."""
        return self._with(other.thresholds, other.temperature)

    def _with(self, thresholds: Sequence[float], temperature: float) -> "MultiLabel":
        return MultiLabel(self.labels, thresholds, temperature, self.class_weights, self.gamma)

    def config(self) -> dict[str, Any]:
        """Return thresholds and temperature."""
        return {"thresholds": self.thresholds, "temperature": self.temperature}

    @classmethod
    def check_config(cls, labels: Sequence[Any], config: Mapping[str, Any]) -> int:
        """Return the outputs. Raise DataError for labels, thresholds or a temperature that cannot be."""
        check_labels(labels, 1)
        check_keys(config, ("thresholds", "temperature"))
        check_numbers(config, "thresholds", len(labels))
        check_number(config, "temperature", 1e-6, 1e6)
        return len(labels)

    @classmethod
    def from_config(cls, labels: Sequence[str], config: Mapping[str, Any]) -> "MultiLabel":
        """Return the targets of a checked configuration."""
        return cls(labels, config["thresholds"], float(config["temperature"]))
