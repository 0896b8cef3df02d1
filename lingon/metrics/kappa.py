"""Quadratically weighted kappa (Cohen): agreement of ranks beyond chance."""

import math

import torch

from lingon.core.shapes import Float, Int, Tensor


def quadratic_kappa(matrix: Int[Tensor, "C C"] | Float[Tensor, "C C"]) -> float:
    """Return the quadratically weighted kappa of a confusion matrix whose classes are in the order of their ranks.

    1 - sum d^2 observed / sum d^2 expected, where d is the distance of two ranks, and the expected counts are those of
    independent ranks with the same frequencies (Cohen, "Weighted kappa", 1968). NaN if the expected sum is 0, such as
    for a single class.
    """
    counts = matrix.double()
    rank = torch.arange(len(counts), dtype=torch.float64)
    distance = (rank[:, None] - rank) ** 2
    expected = counts.sum(1)[:, None] * counts.sum(0) / counts.sum()
    chance = (distance * expected).sum().item()
    return 1 - (distance * counts).sum().item() / chance if chance else math.nan
