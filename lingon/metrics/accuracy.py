"""Accuracy and macro F1 of a classifier."""

import math

from lingon.core.shapes import Float, Int, Tensor
from lingon.metrics.confusion import confusion_matrix


def accuracy(
    logits: Float[Tensor, "n C"], targets: Int[Tensor, " n"], weights: Float[Tensor, " n"] | None = None
) -> float:
    """Return the fraction of rows whose largest logit is that of the true class, weighted if weights are given.

    >>> accuracy(torch.tensor([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0]]), torch.tensor([0, 1, 1]))
    0.6666666666666666

    NaN among the logits gives NaN.
    """
    if logits.isnan().any():
        return math.nan
    right = logits.argmax(-1) == targets
    if weights is not None:
        return ((right * weights.double()).sum() / weights.double().sum()).item()
    return int(right.sum()) / len(targets)


def macro_f1(
    logits: Float[Tensor, "n C"], targets: Int[Tensor, " n"], weights: Float[Tensor, " n"] | None = None
) -> float:
    """Return the unweighted mean over classes of F1 = 2 true positives / (predicted + true).

    Classes that were neither predicted nor true are left out, as scikit-learn does. NaN among the logits gives NaN.
    weights: of each row; all equal by default.
    """
    if logits.isnan().any():
        return math.nan
    matrix = confusion_matrix(logits, targets, weights).double()
    hits, total = matrix.diagonal(), matrix.sum(0) + matrix.sum(1)
    there = total > 0
    return (2 * hits[there] / total[there]).mean().item()
