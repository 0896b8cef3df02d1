"""Statistical significance of corpus scores: bootstrap intervals, and comparison of two systems."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from lingon.core.errors import UserError

SAMPLES, TRIALS, SEED = 1_000, 10_000, 12345  # of sacrebleu, so that both give the same numbers
AT_ONCE = 1 << 22  # maximum number of drawn numbers in memory


@dataclass(frozen=True)
class Statistics:
    """The statistics from which a metric of a corpus is computed: numbers of each example, summed over the examples.

    rows: [n, s]; for accuracy (right, 1), for BLEU the counts of n-grams. score: a function from the sum [s] to the
    metric. signature: how it was computed, to be quoted in a paper; "" if there is only one way.
    """

    rows: Float[np.ndarray, "n s"]
    score: Callable[[Float[np.ndarray, " s"]], float]
    signature: str = ""

    @property
    def value(self) -> float:
        """Return the metric of all examples."""
        return self.score(self.rows.sum(0))

    def each(self) -> Float[np.ndarray, " n"]:
        """Return the metric of each example by itself."""
        return np.array([self.score(row) for row in self.rows])


class Interval(NamedTuple):
    """Bounds between which 95 % of the resampled scores lie."""

    low: float
    high: float


class Comparison(NamedTuple):
    """Difference of two systems: second score minus first, its interval, and the p-value of the null hypothesis."""

    difference: float
    interval: Interval
    p_value: float


def mean_statistics(
    values: Sequence[float] | Float[np.ndarray, " n"], weights: Sequence[float] | Float[np.ndarray, " n"] | None = None
) -> Statistics:
    """Return the statistics of a metric that is a mean over examples, such as accuracy.

    weights: of each example; all equal by default.

    >>> mean_statistics([1.0, 0.0, 1.0, 1.0]).value
    0.75
    """
    numbers = np.asarray(values, dtype=np.float64)
    counts = np.ones_like(numbers) if weights is None else np.asarray(weights, dtype=np.float64)
    return Statistics(np.stack([counts * numbers, counts], 1), lambda total: float(total[0] / total[1]))


def bootstrap_interval(statistics: Statistics, samples: int = SAMPLES, seed: int = SEED) -> Interval:
    """Return the 95 % bootstrap interval of a score: of corpora drawn from this one with replacement.

    Source: Efron 1979; Koehn 2004. Raises UserError without an example.
    """
    return _middle([statistics.score(total) for total in _redrawn(_checked(statistics), samples, seed)])


def compare(
    first: Statistics, second: Statistics, samples: int = SAMPLES, trials: int = TRIALS, seed: int = SEED
) -> Comparison:
    """Return the comparison of two systems on the same examples, in the same order.

    The interval of the difference is by the paired bootstrap (Koehn 2004): both are scored on the same drawn examples.
    The p-value is by approximate randomization (Riezler and Maxwell 2005), two-sided: how often systems whose outputs
    were swapped at random differ at least as much. Unlike sacrebleu's, it is 1 for a system compared with itself.
    Raises UserError for systems with different numbers of examples.
    """
    width = _checked(first).shape[1]
    if len(first.rows) != len(_checked(second)):
        raise UserError(f"{len(first.rows):,} and {len(second.rows):,} examples; two systems are compared on the same")
    both = np.concatenate([first.rows, second.rows], 1)
    drawn = _redrawn(both, samples, seed)
    interval = _middle([second.score(total[width:]) - first.score(total[:width]) for total in drawn])
    difference = second.value - first.value
    return Comparison(difference, interval, _p_value(first, second, abs(difference), trials, seed))


def _p_value(first: Statistics, second: Statistics, difference: float, trials: int, seed: int) -> float:
    """Return the fraction of trials, including the real one, in which swapped systems differ by at least as much."""
    draw, n, as_large = np.random.default_rng(seed), len(first.rows), 1
    everything = first.rows.sum(0) + second.rows.sum(0)
    for count in _blocks(trials, n):
        kept = draw.integers(2, size=(count, n), dtype=bool)
        of_first = kept.astype(np.float64) @ (first.rows - second.rows) + second.rows.sum(0)
        for total in of_first:
            as_large += abs(first.score(total) - second.score(everything - total)) >= difference - 1e-9
    return as_large / (trials + 1)


def _redrawn(rows: Float[np.ndarray, "n s"], samples: int, seed: int) -> Iterator[Float[np.ndarray, " s"]]:
    """Yield for each sample the sum over n examples drawn with replacement."""
    draw, n = np.random.default_rng(seed), len(rows)
    for count in _blocks(samples, n):
        chosen = draw.choice(n, size=(count, n), replace=True)
        times = np.stack([np.bincount(one, minlength=n) for one in chosen]).astype(np.float64)
        yield from times @ rows


def _blocks(total: int, n: int) -> Iterator[int]:
    """Yield sizes of blocks of draws; multiples of 32, since booleans are drawn from 32-bit words."""
    most = max(32, AT_ONCE // n // 32 * 32)
    yield from (min(most, total - start) for start in range(0, total, most))


def _middle(scores: list[float]) -> Interval:
    found, cut = sorted(scores), len(scores) // 40
    return Interval(float(found[cut]), float(found[len(found) - cut - 1]))


def _checked(statistics: Statistics) -> Float[np.ndarray, "n s"]:
    if not len(statistics.rows):
        raise UserError("there is no example to score")
    return statistics.rows
