"""The word embedding association test: do two sets of words lean to two others, and could it be chance?

Source: Caliskan, Bryson, Narayanan, "Semantics derived automatically from language corpora contain human-like biases",
Science, 2017. With s(w) = mean cosine of w with the words of A minus that with those of B: the effect is (mean of s
over X - mean over Y) / the deviation of s over both (with n - 1), the p-value the share of all ways to divide the same
words into sets of these sizes for which the difference of the means is at least as large as here (one-sided).
"""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.word_vectors.queries.nearest import unit_rows
from lingon.word_vectors.word_vectors import WordVectors

EXACT = 200_000  # ways to divide: up to two sets of ten words
DRAWN = 100_000


class WEAT(NamedTuple):
    """effect: in deviations, -2 to 2. p: one-sided. exact: all divisions were tried, else `divisions` were drawn.

    missing: words that had no vector and were left out.
    """

    effect: float
    p: float
    exact: bool
    divisions: int
    missing: list[str]


def weat(
    vectors: WordVectors, X: Sequence[str], Y: Sequence[str], A: Sequence[str], B: Sequence[str], seed: int = 0
) -> WEAT:
    """Return whether X leans to A and Y to B, more than chance would have it.

    X, Y: target words, such as jobs; A, B: attributes, such as terms of two genders. Words without a vector are left
    out. Raises UserError when fewer than two words of a set are left, or when a word is in both X and Y.
    """
    if twice := sorted(set(X) & set(Y)):
        raise UserError(f"{', '.join(twice)}: in both target sets; each word can be in one")
    sets = [list(dict.fromkeys(s)) for s in (X, Y, A, B)]
    missing = [w for words in sets for w in words if vectors.get(w) is None]
    kept = [[w for w in words if w not in missing] for words in sets]
    for name, words in zip("XYAB", kept, strict=True):
        if len(words) < 2:
            found = counted(len(words), "word")
            raise UserError(f"set {name}: {found} with a vector, expected 2 or more; missing: {missing}")
    x, y, a, b = (unit_rows(vectors.of(words)).astype(np.float64) for words in kept)
    both = np.concatenate([x, y])
    lean = (both @ a.T).mean(1) - (both @ b.T).mean(1)
    spread = lean.std(ddof=1)
    effect = (lean[: len(x)].mean() - lean[len(x) :].mean()) / spread if spread > 0 else 0.0
    exact = math.comb(len(both), len(x)) <= EXACT
    p, divisions = (_exact if exact else _drawn)(lean, len(x), seed)
    return WEAT(float(effect), p, exact, divisions, missing)


def _exact(lean: np.ndarray, first: int, seed: int) -> tuple[float, int]:
    """With the sum fixed, the difference of the means grows with the sum of the first set."""
    sums = np.array([sum(part) for part in combinations(lean.tolist(), first)])
    return float((sums >= _here(lean, first)).mean()), len(sums)


def _drawn(lean: np.ndarray, first: int, seed: int) -> tuple[float, int]:
    """The division at hand counts as one of the drawn, so that p is never 0 (Phipson and Smyth, 2010)."""
    draw, count = np.random.default_rng(seed), 0
    for begin in range(0, DRAWN, 10_000):
        mixed = draw.permuted(np.broadcast_to(lean, (min(10_000, DRAWN - begin), len(lean))), axis=1)
        count += int((mixed[:, :first].sum(1) >= _here(lean, first)).sum())
    return (count + 1) / (DRAWN + 1), DRAWN


def _here(lean: np.ndarray, first: int) -> float:
    """The sum of the first set, less what rounding may do to the same sum in another order."""
    return float(lean[:first].sum()) - 1e-12 * (1 + float(np.abs(lean).sum()))
