"""The Frechet distance against arithmetic by hand, and against a root of matrices that is found by iteration."""

import numpy as np
import pytest

from lingon.core.errors import UserError
from lingon.metrics.frechet import Gaussian, frechet_distance, gaussian_of

DRAW = np.random.default_rng(0)


def gaussian(means, deviations):
    return Gaussian(np.array(means, float), np.diag(np.square(np.array(deviations, float))))


def test_of_independent_dimensions_it_is_a_sum_of_squares():
    """With diagonal covariances: the sum over dimensions of (m1 - m2)^2 + (s1 - s2)^2."""
    a, b = gaussian([0, 1, 2], [1, 2, 3]), gaussian([1, 1, 0], [3, 2, 7])
    assert frechet_distance(a, b) == pytest.approx((1 + 0 + 4) + (4 + 0 + 16))


def root_by_iteration(matrix):
    """Denman and Beavers 1976: two sequences, of which the first goes to the root of a matrix."""
    y, z = matrix, np.eye(len(matrix))
    for _ in range(40):
        y, z = (y + np.linalg.inv(z)) / 2, (z + np.linalg.inv(y)) / 2
    return y


def test_it_is_the_formula_with_the_root_of_a_product():
    one, other = (gaussian_of(DRAW.normal(size=(53, 5)) @ DRAW.normal(size=(5, 5)) + shift) for shift in (0, 1))
    root = root_by_iteration(one.covariance @ other.covariance)
    expected = np.square(one.mean - other.mean).sum() + np.trace(one.covariance + other.covariance - 2 * root)
    assert frechet_distance(one, other) == pytest.approx(expected)
    assert frechet_distance(other, one) == pytest.approx(expected)


def test_it_is_zero_of_the_same_also_where_dimensions_never_vary():
    vectors = DRAW.normal(size=(7, 11))  # fewer vectors than dimensions: most eigenvalues are 0
    vectors[:, 3] = 5.0
    one = gaussian_of(vectors)
    assert frechet_distance(one, one) == pytest.approx(0.0, abs=1e-6)
    assert frechet_distance(one, gaussian_of(vectors + 2.0)) == pytest.approx(4.0 * 11)


def test_the_covariance_is_that_of_numpy():
    vectors = DRAW.normal(size=(13, 3)).astype(np.float32)
    found = gaussian_of(vectors)
    np.testing.assert_allclose(found.covariance, np.cov(vectors.T.astype(float)))
    np.testing.assert_allclose(found.mean, vectors.astype(float).mean(0))


def test_what_makes_no_gaussian():
    with pytest.raises(UserError, match=r"features of shape \(1, 3\); a Gaussian takes two vectors or more"):
        gaussian_of(np.zeros((1, 3)))
    with pytest.raises(UserError, match="features are not finite"):
        gaussian_of(np.array([[0.0], [np.nan]]))
    with pytest.raises(UserError, match="Gaussians of 3 and of 2 dimensions"):
        frechet_distance(gaussian([0, 0, 0], [1, 1, 1]), gaussian([0, 0], [1, 1]))
