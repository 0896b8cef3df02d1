"""Temperature scaling: scores become logits with calibrated probabilities."""

import math
from collections.abc import Callable

USUAL, SPREAD = (
    3.0,
    0.5,
)  # of the scale of a linear classifier, and of its logarithm, over the data sets it was fitted to
LEAST, MOST, ROUNDS = 0.05, 100.0, 60


def fitted_scale(loss: Callable[[float], float], usual: float = USUAL) -> float:
    """Return the factor of the logits that makes the labels most probable (Guo et al. 2017, the inverse temperature).

    loss: of a factor, the sum of -log p(label) over texts. With a normal prior over its logarithm around that of
    `usual`, so that a handful of texts cannot make it extreme.
    """
    low, high = math.log(LEAST), math.log(MOST)
    golden = (5**0.5 - 1) / 2

    def cost(log_scale: float) -> float:
        return loss(math.exp(log_scale)) + (log_scale - math.log(usual)) ** 2 / (2 * SPREAD**2)

    for _ in range(ROUNDS):  # golden-section search: the cost has one minimum
        step = golden * (high - low)
        if cost(high - step) < cost(low + step):
            high = low + step
        else:
            low = high - step
    return math.exp((low + high) / 2)
