"""Temperature scaling: scores become logits whose softmax is a probability that holds on texts not seen."""

import math

import torch.nn.functional as F

from lingon.core.shapes import Float, Int, Tensor

USUAL, SPREAD = 3.0, 0.5  # of the scale, and of its logarithm, over the data sets it was fitted to
LEAST, MOST, ROUNDS = 0.05, 100.0, 60


def fitted_scale(
    scores: Float[Tensor, "n C"], targets: Int[Tensor, " n"], weights: Float[Tensor, " n"] | None = None
) -> float:
    """Return the factor that makes the softmax of the scores most probable (Guo et al. 2017, the inverse temperature).

    With a normal prior over its logarithm, so that a handful of texts cannot make it extreme. weights: of the texts.
    """
    low, high = math.log(LEAST), math.log(MOST)
    golden = (5**0.5 - 1) / 2

    def cost(log_scale: float) -> float:
        loss = _cross_entropy(scores.double() * math.exp(log_scale), targets, weights)
        return loss + (log_scale - math.log(USUAL)) ** 2 / (2 * SPREAD**2)

    for _ in range(ROUNDS):  # golden-section search: the cost has one minimum
        step = golden * (high - low)
        if cost(high - step) < cost(low + step):
            high = low + step
        else:
            low = high - step
    return math.exp((low + high) / 2)


def _cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor | None) -> float:
    if weights is None:
        return F.cross_entropy(logits, targets, reduction="sum").item()
    return float(F.cross_entropy(logits, targets, reduction="none") @ weights.double())
