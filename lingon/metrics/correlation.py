"""Pearson's correlation, and Spearman's rank correlation with a confidence interval."""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from lingon.core.errors import UserError


class Correlation(NamedTuple):
    """Spearman's rho, and the bounds of its confidence interval."""

    rho: float
    low: float
    high: float


def ranks(values: Sequence[float | int]) -> np.ndarray:
    """Return ranks from 1; equal values share the mean of their ranks. If any value is NaN, all ranks are NaN.

    >>> ranks([7, 3, 7, 1]).tolist()
    [3.5, 2.0, 3.5, 1.0]
    """
    numbers = np.asarray(values, np.float64)
    if np.isnan(numbers).any():
        return np.full(len(numbers), np.nan)
    _, group, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[group]


def spearman(first: Sequence[float | int], second: Sequence[float | int], confidence: float = 0.95) -> Correlation:
    """Return rho, the correlation of the ranks, and its confidence interval; NaN if a side is constant or has NaN.

    The interval is Fisher's, tanh(atanh(rho) +- z s), with s^2 = (1 + rho^2 / 2) / (n - 3), the variance for ranks
    (Bonett and Wright, "Sample size requirements for estimating Pearson, Kendall and Spearman correlations", 2000).
    Raises UserError for sides of different lengths.
    """
    if len(first) != len(second):
        raise UserError(f"{len(first)} and {len(second)} values; a correlation needs as many on both sides")
    if not 0 < confidence < 1:
        raise UserError(f"a confidence of {confidence}; expected a share between 0 and 1")
    unranked = any(map(math.isnan, first)) or any(map(math.isnan, second))
    if unranked or len(set(first)) < 2 or len(set(second)) < 2:
        return Correlation(math.nan, math.nan, math.nan)
    rho = float(np.corrcoef(ranks(first), ranks(second))[0, 1])
    if len(first) < 4:
        return Correlation(rho, -1.0, 1.0)
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt((1 + rho * rho / 2) / (len(first) - 3))
    middle = math.atanh(max(-1 + 1e-15, min(1 - 1e-15, rho)))
    return Correlation(rho, math.tanh(middle - reach), math.tanh(middle + reach))


def pearson(first: Sequence[float | int], second: Sequence[float | int]) -> float:
    """Return Pearson's correlation, the strength of the linear relation; NaN if a side is constant or not finite.

    Raises UserError for sides of different lengths.
    """
    if len(first) != len(second):
        raise UserError(f"{len(first)} and {len(second)} values; a correlation needs as many on both sides")
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if len(set(a.tolist())) < 2 or len(set(b.tolist())) < 2 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return math.nan
    # Scaled to between -1 and 1, because squares of very large or small floats overflow or underflow.
    return float(np.corrcoef(a / np.abs(a).max(), b / np.abs(b).max())[0, 1])
