"""Calibration: whether the probabilities of a classifier match its accuracy."""

import math
from typing import NamedTuple

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int, Tensor


class Bin(NamedTuple):
    """Predictions with a confidence above `low` and at most `high`: count, mean confidence and accuracy."""

    low: float
    high: float
    count: int  # type: ignore[assignment]  # a tuple has a method of this name
    confidence: float
    accuracy: float


def reliability(probabilities: Float[Tensor, "n C"], targets: Int[Tensor, " n"], bins: int = 10) -> list[Bin]:
    """Return predictions in bins of equal width by the probability of the predicted class. An empty bin has zeros.

    Raises UserError for NaN among the probabilities, which falls into no bin.
    """
    if probabilities.isnan().any():
        raise UserError("a probability is NaN, which belongs in no bin; the model's weights are broken")
    sure, guess = probabilities.double().max(-1)
    which = ((sure * bins).ceil().long() - 1).clamp(0, bins - 1)
    counts = torch.bincount(which, minlength=bins)
    sums = torch.zeros(2, bins, dtype=torch.float64)
    sums[0].index_add_(0, which, sure)
    sums[1].index_add_(0, which, (guess == targets).double())
    means = (sums / counts.clamp(min=1)).tolist()
    return [Bin(i / bins, (i + 1) / bins, int(counts[i]), means[0][i], means[1][i]) for i in range(bins)]


def expected_calibration_error(
    probabilities: Float[Tensor, "n C"], targets: Int[Tensor, " n"], bins: int = 10
) -> float:
    """Return the mean of |confidence - accuracy| over bins, weighted by their counts (Guo 2017, eq. 3).

    NaN among the probabilities gives NaN.
    """
    if probabilities.isnan().any():
        return math.nan
    distances = (b.count * abs(b.confidence - b.accuracy) for b in reliability(probabilities, targets, bins))
    return sum(distances) / len(targets)
