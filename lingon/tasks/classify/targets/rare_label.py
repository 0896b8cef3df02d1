"""The rare label of two: how well it is found at a threshold of its probability that was chosen on validation texts."""

from collections.abc import Mapping
from typing import NamedTuple

from lingon.core.shapes import Bool, Float, Tensor
from lingon.core.terminal import printable
from lingon.metrics.metric_table import format_metric
from lingon.metrics.ranking import average_precision

RARE = 0.2  # of the training texts have it, or fewer


class RareLabel(NamedTuple):
    """A label, and the threshold of its probability from which a text is predicted to have it."""

    label: str
    threshold: float


def rare_of(counts: Mapping[str, int | float]) -> RareLabel | None:
    """Return the label of two that few training texts have; None where both are frequent, or there are more."""
    label = min(counts, key=lambda name: counts[name])
    share = counts[label] / sum(counts.values())
    return RareLabel(label, 0.5) if len(counts) == 2 and share <= RARE else None


def scores_of_rare(rare: RareLabel, probabilities: Float[Tensor, " n"], true: Bool[Tensor, " n"]) -> dict[str, float]:
    """Return precision, recall and F1 at the threshold, and the area under the precision-recall curve."""
    found = probabilities >= rare.threshold
    hits, said, are = int((found & true).sum()), int(found.sum()), int(true.sum())
    return {
        "threshold": rare.threshold,
        "precision": hits / max(1, said),
        "recall": hits / max(1, are),
        "f1": 2 * hits / max(1, said + are),
        "average_precision": average_precision(probabilities, true),
    }


def rare_lines(rare: RareLabel, at: Mapping[str, float]) -> list[str]:
    """Return the same as human-readable lines."""
    numbers = ", ".join(f"{metric} {at[metric]:.4f}" for metric in ("precision", "recall", "f1"))
    name, area = printable(rare.label), format_metric(at["average_precision"])
    return [
        f"{name!r} at a probability threshold of {rare.threshold:.4f}, chosen on validation texts: {numbers}",
        f"{name!r} at every threshold: average precision {area}",
    ]


def precision_recall(probabilities: Float[Tensor, " n"], true: Bool[Tensor, " n"]) -> list[tuple[float, float]]:
    """Return (recall, precision) at every threshold that parts two texts, from the highest on."""
    order = probabilities.argsort(descending=True, stable=True)
    found, hits = probabilities[order], true[order].cumsum(0)
    ends = [i for i in range(len(found)) if i + 1 == len(found) or found[i] != found[i + 1]]
    total = max(1, int(true.sum()))
    return [(int(hits[i]) / total, int(hits[i]) / (i + 1)) for i in ends]
