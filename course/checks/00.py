"""Checks, hints and solutions of lesson 00."""

from math import isclose
from numbers import Real

from lingon.learn.exercises import Exercise


def _number(found):
    one = not isinstance(found, bool) and (isinstance(found, Real) or getattr(found, "shape", None) == ())
    assert one, f"Return one number, not {type(found).__name__}."
    return found


def operations(m, k, n):
    return 2 * m * k * n


def check_operations(operations):
    for m, k, n in ((3, 5, 7), (100, 1, 10), (1, 1, 1)):
        found = _number(operations(m, k, n))
        assert found == 2 * m * k * n, (
            f"[{m}, {k}] times [{k}, {n}] has {m * n} results, each a sum of {k} products: {2 * m * k * n} operations, "
            f"yours is {found}."
        )


def hours(weights, examples, passes, speed):
    return 6 * weights * examples * passes / speed / 3600


def check_hours(hours):
    found = _number(hours(1e6, 3600, 1, 6e6))
    assert isclose(found, 1.0, rel_tol=1e-6), (
        "A million weights and 3600 examples are 6 x 3600 million operations; at 6 million per second that is 1 hour, "
        f"yours is {found:g}."
    )
    found = _number(hours(2e5, 1e6, 10, 5e10))
    assert isclose(found, 240 / 3600, rel_tol=1e-6), (
        f"200,000 weights, ten passes over a million examples at 50 billion per second: 240 s or "
        f"{240 / 3600:.4f} hours, yours is {found:g}."
    )


def ratio(first, second, clock, repeats):
    times = {first: [], second: []}
    for _ in range(repeats):
        for work in (first, second):
            begun = clock()
            work()
            times[work].append(clock() - begun)
    return min(times[second]) / min(times[first])


class _Watch:
    """A clock that advances only while work is done, and work of known duration."""

    def __init__(self):
        self.now, self.done = 1000.0, []

    def clock(self):
        return self.now

    def work(self, name, lengths):
        left = iter(lengths)

        def run():
            self.done.append(name)
            self.now += next(left, 1.0)

        return run


def check_ratio(ratio):
    watch = _Watch()
    first, second = watch.work("first", [5.0, 2.0, 9.0]), watch.work("second", [8.0, 7.0, 6.0])
    found = _number(ratio(first, second, watch.clock, 3))
    for name in ("first", "second"):
        count = watch.done.count(name)
        assert count == 3, f"With repeats=3 each must be run 3 times; you ran {name} {count} times."
    assert isclose(found, 3.0), (
        f"The first took 5, 2, 9 seconds and the second 8, 7, 6: the ratio of the shortest times is 6 / 2 = 3, "
        f"yours is {found:g}."
    )
    assert watch.done == ["first", "second"] * 3, "Run them alternately: first, second, first, second, and so on."


EXERCISES = [
    Exercise(
        "Operations of a matrix product",
        check_operations,
        (
            "How many results are there? How many products does each of them sum?",
            "There are M N results. Each takes K multiplications and, as counted above, K additions.",
        ),
        operations,
    ),
    Exercise(
        "How many hours?",
        check_hours,
        (
            "The formula counts operations per example; in several passes each example is seen several times.",
            "Operations divided by speed are seconds; an hour has 3600 of them.",
        ),
        hours,
    ),
    Exercise(
        "Which of two is faster?",
        check_ratio,
        (
            "begun = clock(); first(); then clock() - begun is its duration. Do this for both inside one loop.",
            "Collect the times in two lists; return min(times of second) / min(times of first).",
        ),
        ratio,
    ),
]
