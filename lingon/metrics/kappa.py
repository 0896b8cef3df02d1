"""Agreement beyond chance of ranks: Cohen's kappa, where an error counts by the square of its distance."""

import math

import torch

from lingon.core.shapes import Float, Int, Tensor


def quadratic_kappa(matrix: Int[Tensor, "C C"] | Float[Tensor, "C C"]) -> float:
    """Return the quadratically weighted kappa of a confusion matrix whose classes stand in their order.

    1 - sum d^2 observed / sum d^2 expected, d the distance of the ranks and expected what independent ranks with the
    same frequencies give (Cohen, "Weighted kappa", 1968). NaN where nothing can disagree, as for a single class.
    """
    counts = matrix.double()
    rank = torch.arange(len(counts), dtype=torch.float64)
    distance = (rank[:, None] - rank) ** 2
    expected = counts.sum(1)[:, None] * counts.sum(0) / counts.sum()
    chance = (distance * expected).sum().item()
    return 1 - (distance * counts).sum().item() / chance if chance else math.nan
