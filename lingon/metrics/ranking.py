"""Threshold-free metrics of scores: area under the ROC curve and average precision."""

import math

import torch

from lingon.core.shapes import Float, Int, Tensor


def auc(probabilities: Float[Tensor, "n C"], targets: Int[Tensor, " n"]) -> float:
    """Return the area under the ROC curve; for more than two classes, the mean of one class against the rest.

    Classes of none or all of the `targets` have no curve and are left out; NaN when none is left, and for NaN among the
    probabilities.
    """
    if probabilities.isnan().any():
        return math.nan
    classes = range(probabilities.shape[-1]) if probabilities.shape[-1] > 2 else (1,)
    areas = [binary_auc(probabilities[:, c], targets == c) for c in classes]
    areas = [a for a in areas if not math.isnan(a)]
    return sum(areas) / len(areas) if areas else math.nan


def binary_auc(scores: Float[Tensor, " n"], positive: Tensor) -> float:
    """Return the probability that a positive row scores higher than a negative one, ties 1/2 (Mann and Whitney 1947).

    >>> binary_auc(torch.tensor([0.1, 0.4, 0.4, 0.8]), torch.tensor([False, False, True, True]))
    0.875

    NaN where there are no positive or no negative rows, and for NaN among the scores, which has no rank.
    """
    if scores.isnan().any():
        return math.nan
    ups = int(positive.sum())
    downs = len(positive) - ups
    if not ups or not downs:
        return math.nan
    _, group, counts = scores.double().unique(return_inverse=True, return_counts=True)
    # Rows with the same score share the mean of their ranks.
    ranks = counts.cumsum(0).double() - (counts.double() - 1) / 2
    return (ranks[group][positive].sum().item() - ups * (ups + 1) / 2) / (ups * downs)


def average_precision(scores: Float[Tensor, " n"], positive: Tensor) -> float:
    """Return the mean, over the positive rows, of the precision among the rows that score as high or higher.

    The area under the precision-recall curve as a sum of steps (Manning, Raghavan and Schuetze 2008, section 8.4).

    >>> average_precision(torch.tensor([0.9, 0.8, 0.7]), torch.tensor([True, False, True]))  # (1/1 + 2/3) / 2
    0.8333333333333333

    NaN where there is no positive row, and for NaN among the scores, which has no rank.
    """
    if scores.isnan().any() or not positive.any():
        return math.nan
    _, group = scores.double().unique(return_inverse=True)
    group = group.max() - group  # the highest first; rows with the same score form a group
    rows = torch.bincount(group).double().cumsum(0)
    found = torch.bincount(group, weights=positive.double())
    return ((found.cumsum(0) / rows * found).sum() / found.sum()).item()
