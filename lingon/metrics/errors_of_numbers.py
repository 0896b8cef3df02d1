"""Errors of regression: mean absolute error, root mean squared error, R squared."""

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
    """Return the coefficient of determination, 1 - squared errors / squared deviations from the mean.

    It is 0 for always predicting the mean, negative for worse predictions, and NaN if all true numbers are equal.
    """
    spread = float(((true - true.mean()) ** 2).sum())
    return 1 - float(((predicted - true) ** 2).sum()) / spread if spread else math.nan
