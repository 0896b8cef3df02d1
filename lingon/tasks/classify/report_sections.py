"""What the report shows of each kind of labels: tables and charts of the held-out texts."""

from collections.abc import Callable
from typing import Any

import torch

from lingon.core.shapes import Float, Tensor
from lingon.data.problem_types import ProblemType
from lingon.metrics.calibration import expected_calibration_error, reliability
from lingon.metrics.confusion import confusion_matrix
from lingon.metrics.scores import Scores
from lingon.pages.charts import bar_chart, line_chart, scatter_chart
from lingon.tasks.classify.report_tables import by_class, confusion
from lingon.tasks.classify.targets.rare_label import precision_recall, rare_lines

MOST_POINTS = 2000  # of a scatter plot


def sections_of(targets: Any, logits: Float[Tensor, "n C"], numbers: Tensor, found: Scores) -> dict[str, Any]:
    """Return the parts of the page that the kind of labels has. found: the scores of these logits."""
    return SECTIONS[targets.problem_type](targets, logits, numbers, found)


def _single_label(targets: Any, logits: Tensor, numbers: Tensor, found: Scores) -> dict[str, Any]:
    probabilities, matrix = targets.probabilities(logits), confusion_matrix(logits, numbers)
    charts = [] if targets.rare is None else [_rare(targets, probabilities, numbers, found)]
    return {
        **confusion(matrix.tolist(), targets.labels),
        "classes": by_class(found.tables["per_class"]),
        "calibration_error": f"{expected_calibration_error(probabilities, numbers):.4f}",
        "calibration": [calibration_chart(probabilities, numbers)],
        "sections": charts,
    }


def _rare(targets: Any, probabilities: Tensor, numbers: Tensor, found: Scores) -> dict[str, Any]:
    label = targets.rare.label
    column = targets.labels.index(label)
    curve = precision_recall(probabilities[:, column], numbers == column)
    chart = line_chart({label: curve}, "precision and recall", "recall", "precision", (0, 1))
    note = "; ".join(rare_lines(targets.rare, found.tables["at_threshold"][label]))
    return {"title": f"Precision and recall of the rare label {label}", "note": f"{note}.", "charts": [chart]}


def _multi_label(targets: Any, logits: Tensor, numbers: Tensor, found: Scores) -> dict[str, Any]:
    yes = targets.probabilities(logits).flatten()
    both, said = torch.stack([1 - yes, yes], 1), numbers.flatten().long()
    thresholds = [(label, f"{least:.4f}") for label, least in zip(targets.labels, targets.thresholds, strict=True)]
    return {
        "classes": by_class(found.tables["per_class"]),
        "calibration_error": f"{expected_calibration_error(both, said):.4f}",
        "calibration": [calibration_chart(both, said)],
        "sections": [
            {
                "title": "Thresholds",
                "note": "The probability from which a text has a label, chosen on validation texts.",
                "rows": thresholds,
            }
        ],
    }


def _ordinal(targets: Any, logits: Tensor, numbers: Tensor, found: Scores) -> dict[str, Any]:
    ranks = torch.nn.functional.one_hot(targets.ranks(logits), len(targets.labels)).double()
    return {
        **confusion(confusion_matrix(ranks, numbers).tolist(), targets.labels),
        "classes": by_class(found.tables["per_class"]),
    }


def _regression(targets: Any, logits: Tensor, numbers: Tensor, found: Scores) -> dict[str, Any]:
    true, said = targets.values(numbers).tolist(), targets.values(logits[:, 0]).tolist()
    points = list(zip(true, said, strict=True))
    points = points[:: -(-len(points) // MOST_POINTS)]
    chart = scatter_chart(points, "predicted and true numbers", "true", "predicted")
    note = "A point for each text; those on the dashed line are right."
    return {"sections": [{"title": "Predicted and true", "note": note, "charts": [chart]}]}


def calibration_chart(probabilities: Float[Tensor, "n C"], targets: Tensor) -> str:
    """Accuracy in ten bins of confidence, with the diagonal of a perfectly calibrated model."""
    bins = reliability(probabilities, targets)
    bars = [(f"{low:.0%}", share if count else 0.0) for low, _, count, _, share in bins]
    diagonal = [(i + 0.5, (low + high) / 2) for i, (low, high, *_) in enumerate(bins)]
    return bar_chart(bars, "reliability diagram", "confidence, from", "accuracy", diagonal)


SECTIONS: dict[ProblemType, Callable[[Any, Tensor, Tensor, Scores], dict[str, Any]]] = {
    "single-label": _single_label,
    "multi-label": _multi_label,
    "ordinal": _ordinal,
    "regression": _regression,
}
