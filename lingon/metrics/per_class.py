"""Precision, recall and F1 of each class, as in scikit-learn's `classification_report`."""

from typing import NamedTuple

from lingon.core.shapes import Float, Int, Tensor


class ClassScores(NamedTuple):
    """Scores of one class: precision, recall, F1, and the numbers (or summed weights) of true and predicted texts.

    A ratio with denominator 0 is 0.
    """

    precision: float
    recall: float
    f1: float
    support: int | float
    predicted: int | float


def per_class(matrix: Int[Tensor, "C C"] | Float[Tensor, "C C"]) -> list[ClassScores]:
    """Return the scores of each class from a confusion matrix: rows are true classes, columns predicted ones.

    >>> import torch
    >>> per_class(torch.tensor([[3, 1], [0, 0]]))[0]
    ClassScores(precision=1.0, recall=0.75, f1=0.8571428571428571, support=4, predicted=3)
    """
    hits, predicted, true = matrix.diagonal().tolist(), matrix.sum(0).tolist(), matrix.sum(1).tolist()
    rows = zip(hits, predicted, true, strict=True)
    return [ClassScores(_share(h, p), _share(h, t), _share(2 * h, p + t), t, p) for h, p, t in rows]


def _share(part: int | float, whole: int | float) -> float:
    return part / whole if whole else 0.0
