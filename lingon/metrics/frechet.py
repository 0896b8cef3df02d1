"""The Frechet distance between two sets of vectors, each modelled as a Gaussian: compares generated and real images."""

from typing import NamedTuple

import numpy as np

from lingon.core.errors import UserError
from lingon.core.shapes import Float

__all__ = ["Gaussian", "frechet_distance", "gaussian_of"]


class Gaussian(NamedTuple):
    """The mean and the covariance of vectors."""

    mean: Float[np.ndarray, " D"]
    covariance: Float[np.ndarray, "D D"]


def gaussian_of(features: Float[np.ndarray, "N D"]) -> Gaussian:
    """Return the mean and the covariance (divisor N - 1) of N vectors.

    Raises UserError for fewer than two vectors, and for numbers that are not finite.
    """
    if features.ndim != 2 or len(features) < 2:
        raise UserError(f"features of shape {features.shape}; a Gaussian takes two vectors or more, [N, D]")
    features = np.asarray(features, np.float64)
    if not np.isfinite(features).all():
        raise UserError("features are not finite; the images or the judge are broken")
    mean = features.mean(0)
    centred = features - mean
    return Gaussian(mean, centred.T @ centred / (len(features) - 1))


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """Return |m1 - m2|^2 + trace(S1 + S2 - 2 (S1 S2)^(1/2)), 0 or more (Heusel et al. 2017, equation 6).

    The trace of the square root is computed as the sum of the square roots of the eigenvalues of S1^(1/2) S2 S1^(1/2),
    which is symmetric and has the eigenvalues of S1 S2; so no square root becomes complex.
    Raises UserError for Gaussians with different numbers of dimensions.

    >>> one, other = (gaussian_of(np.array([[0.0], [2.0]]) + shift) for shift in (0, 3))
    >>> frechet_distance(one, other)
    9.0
    """
    if a.mean.shape != b.mean.shape:
        raise UserError(f"Gaussians of {len(a.mean)} and of {len(b.mean)} dimensions; both need the same features")
    root = _root(a.covariance)
    product = root @ b.covariance @ root
    of_product = np.linalg.eigvalsh((product + product.T) / 2).clip(0)
    trace = np.trace(a.covariance) + np.trace(b.covariance) - 2 * np.sqrt(of_product).sum()
    return float(max(0.0, np.square(a.mean - b.mean).sum() + trace))


def _root(matrix: Float[np.ndarray, "D D"]) -> Float[np.ndarray, "D D"]:
    """Return the symmetric square root of a covariance; eigenvalues that are negative by rounding are set to 0."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(0))) @ vectors.T
