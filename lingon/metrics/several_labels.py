"""Metrics of multi-label classification: micro, macro and samples F1, and subset accuracy."""

from lingon.core.shapes import Bool, Int, Tensor
from lingon.metrics.per_class import ClassScores


def micro_f1(predicted: Bool[Tensor, "n C"], true: Bool[Tensor, "n C"]) -> float:
    """Return F1 = 2 true positives / (predicted + true), counted over all texts and labels; 0 if there are none."""
    return _f1(int((predicted & true).sum()), int(predicted.sum()) + int(true.sum()))


def macro_f1(predicted: Bool[Tensor, "n C"], true: Bool[Tensor, "n C"]) -> float:
    """Return the unweighted mean of F1 over the labels; 0 for one that is neither predicted nor true."""
    return sum(one.f1 for one in per_label(predicted, true)) / true.shape[1]


def samples_f1(predicted: Bool[Tensor, "n C"], true: Bool[Tensor, "n C"]) -> float:
    """Return the mean of F1 over the texts; 0 for a text without predicted and true labels."""
    both, all_of = (predicted & true).sum(1).tolist(), (predicted.sum(1) + true.sum(1)).tolist()
    return sum(map(_f1, both, all_of)) / len(true)


def subset_accuracy(predicted: Bool[Tensor, "n C"], true: Bool[Tensor, "n C"]) -> float:
    """Return the fraction of texts whose predicted labels are exactly the true ones."""
    return (predicted == true).all(1).double().mean().item()


def per_label(predicted: Bool[Tensor, "n C"], true: Bool[Tensor, "n C"]) -> list[ClassScores]:
    """Return precision, recall and F1 of each label, and the numbers of texts with it, true and predicted."""
    counts: list[Int[Tensor, " C"]] = [(predicted & true).sum(0), predicted.sum(0), true.sum(0)]
    rows = zip(*(count.tolist() for count in counts), strict=True)
    return [ClassScores(h / max(1, p), h / max(1, t), _f1(h, p + t), t, p) for h, p, t in rows]


def _f1(hits: int, total: int) -> float:
    return 2 * hits / total if total else 0.0
