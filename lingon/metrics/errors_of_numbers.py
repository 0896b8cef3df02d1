"""How far predicted numbers are from the true ones."""

import math

import numpy as np

from lingon.core.shapes import Float


def mae(predicted: Float[np.ndarray, " n"], true: Float[np.ndarray, " n"]) -> float:
    """Return the mean absolute error, in the unit of the numbers."""
    return float(np.abs(predicted - true).mean())


def rmse(predicted: Float[np.ndarray, " n"], true: Float[np.ndarray, " n"]) -> float:
    """Return the root of the mean squared error, in the unit of the numbers."""
    return float(np.sqrt(((predicted - true) ** 2).mean()))


def r2(predicted: Float[np.ndarray, " n"], true: Float[np.ndarray, " n"]) -> float:
    """Return the coefficient of determination, 1 - squared errors / squared distances from the mean; NaN where all
    true numbers are one. It is 0 for who always says the mean, and below for who is worse."""
    spread = float(((true - true.mean()) ** 2).sum())
    return 1 - float(((predicted - true) ** 2).sum()) / spread if spread else math.nan
