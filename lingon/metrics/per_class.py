"""How well each class is found: precision, recall and F1, as scikit-learn's `classification_report` has them."""

from typing import NamedTuple

from lingon.core.shapes import Float, Int, Tensor


class ClassScores(NamedTuple):
    """Of one class: the share of what is called so that is so, the share of what is so that is called so, their
    harmonic mean, the texts that are so, and the texts that are called so, or their weights. A share of nothing is 0.
    """

    precision: float
    recall: float
    f1: float
    support: int | float
    predicted: int | float


def per_class(matrix: Int[Tensor, "C C"] | Float[Tensor, "C C"]) -> list[ClassScores]:
    """Compute the scores of each class from a confusion matrix: rows are true classes, columns predicted ones.

    >>> import torch
    >>> per_class(torch.tensor([[3, 1], [0, 0]]))[0]
    ClassScores(precision=1.0, recall=0.75, f1=0.8571428571428571, support=4, predicted=3)
    """
    hits, predicted, true = matrix.diagonal().tolist(), matrix.sum(0).tolist(), matrix.sum(1).tolist()
    rows = zip(hits, predicted, true, strict=True)
    return [ClassScores(_share(h, p), _share(h, t), _share(2 * h, p + t), t, p) for h, p, t in rows]


def _share(part: int | float, whole: int | float) -> float:
    return part / whole if whole else 0.0
