"""Intervals and p-values against enumeration and against the textbook formula of a mean."""

import itertools

import numpy as np
import pytest

from lingon.core.errors import UserError
from lingon.metrics import resampling
from lingon.metrics.resampling import Statistics, bootstrap_interval, compare, mean_statistics


def test_the_p_value_nears_that_of_all_swaps():
    """Of 7 pairs there are 128 ways to swap; the p-value is the share that differs at least as much as ours."""
    first, second = np.array([1, 0, 0, 1, 0, 1, 0.0]), np.array([1, 1, 1, 1, 0, 0, 1.0])
    steps = second - first
    enumerated = [abs(sum(s * d for s, d in zip(signs, steps, strict=True)))
                  for signs in itertools.product([1, -1], repeat=7)]  # fmt: skip
    exact = sum(one >= abs(steps.sum()) for one in enumerated) / 128
    found = compare(mean_statistics(first), mean_statistics(second))
    assert found.difference == pytest.approx(2 / 7)
    assert found.p_value == pytest.approx(exact, abs=0.02)


def test_a_score_that_is_no_mean_is_swapped_and_drawn_as_a_whole():
    """F1 from counts: right over half of said and true, of all swaps of 5 pairs."""
    draw = np.random.default_rng(5)
    rows = [draw.integers(1, 7, size=(5, 3)).astype(float) for _ in range(2)]
    f1 = lambda total: float(2 * total[0] / (total[1] + total[2]))
    first, second = (Statistics(one, f1) for one in rows)
    real, as_large = abs(first.value - second.value), 0
    for kept in itertools.product([True, False], repeat=5):
        chosen = np.array(kept)[:, None]
        swapped = [f1(np.where(chosen, *pair).sum(0)) for pair in (rows, rows[::-1])]
        as_large += abs(swapped[0] - swapped[1]) >= real - 1e-9
    assert compare(first, second).p_value == pytest.approx(as_large / 32, abs=0.02)
    assert first.each().tolist() == pytest.approx([f1(row) for row in rows[0]])


def test_the_interval_of_a_mean_is_that_of_the_formula():
    values = np.random.default_rng(7).normal(3, 2, 401)
    half = 1.96 * values.std() / 401**0.5
    low, high = bootstrap_interval(mean_statistics(values))
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=half / 10)


def test_the_interval_of_a_difference_is_paired():
    """Two systems that differ by .1 everywhere differ by .1 in every sample, however much the examples vary."""
    values = np.random.default_rng(11).normal(0, 5, 103)
    found = compare(mean_statistics(values), mean_statistics(values + 0.1), trials=100)
    assert tuple(found.interval) == pytest.approx((0.1, 0.1))


def test_a_system_beside_itself_does_not_differ():
    same = mean_statistics([1.0, 0.0, 1.0])
    assert tuple(compare(same, same)) == (0.0, (0.0, 0.0), 1.0)


def test_draws_do_not_depend_on_how_many_are_in_memory_together(monkeypatch):
    first, second = (mean_statistics(np.random.default_rng(seed).random(37)) for seed in (1, 2))
    whole = compare(first, second)
    monkeypatch.setattr(resampling, "AT_ONCE", 5000)
    assert compare(first, second) == whole


def test_nothing_and_other_numbers_of_examples_are_refused():
    with pytest.raises(UserError, match="no example to score"):
        bootstrap_interval(mean_statistics([]))
    with pytest.raises(UserError, match="2 and 1 examples; two systems are compared on the same"):
        compare(mean_statistics([1.0, 0.0]), mean_statistics([1.0]))
