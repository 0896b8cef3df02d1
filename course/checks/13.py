"""Checks, hints and solutions of lesson 13."""

import math
from numbers import Real

from lingon.learn.exercises import Exercise


def nucleus(chances, p):
    kept, total = set(), 0.0
    for i in sorted(range(len(chances)), key=lambda i: -chances[i]):
        if total >= p:
            break
        kept.add(i)
        total += chances[i]
    return kept


def check_nucleus(nucleus):
    eighths = [0.125, 0.5, 0.25, 0.125]
    for chances, p, truth, why in (
        (eighths, 0.5, {1}, "the most likely reaches p alone"),
        (eighths, 0.625, {1, 2}, "one has less than p, two have enough"),
        (eighths, 0.75, {1, 2}, "two sum to p, and that is enough"),
        (eighths, 0.875, {0, 1, 2}, "of two equal ones the smaller index comes first"),
        (eighths, 1.0, {0, 1, 2, 3}, "1 keeps all"),
        ([0.25] * 4, 0.3, {0, 1}, "no single probability reaches p, so the smallest set that does is kept"),
        ([1.0], 0.1, {0}, "at least one is kept"),
    ):
        found = nucleus(list(chances), p)
        assert isinstance(found, set | frozenset), f"Return a set of indices, yours is of type {type(found).__name__}."
        assert set(found) == truth, f"Of {chances} with p = {p} keep {sorted(truth)}: {why}; yours: {list(found)}."


def may_still_win(best, found, alpha, most):
    return best / ((5 + most) / 6) ** alpha > found


def check_may_still_win(may_still_win):
    for best, found, alpha, most, truth, why in (
        (-4.0, -3.0, 0.0, 10, False, "without a penalty the score can only fall"),
        (-2.0, -3.0, 0.0, 10, True, "without a penalty -2 may still end better than -3"),
        (-4.0, -3.0, 1.0, 7, True, "at 7 words -4 is divided by 12/6 = 2, which would be -2"),
        (-4.0, -3.0, 1.0, 1, False, "with at most one word the penalty is 1"),
        (-4.0, -1.0, 1.0, 7, False, "at 7 words -4 would be -2, no better than -1"),
        (-4.0, -2.0, 1.0, 7, False, "at 7 words -4 would be -2, which is equal and not better"),
        (-9.0, -2.0, 2.0, 13, True, "at 13 words -9 is divided by 3 squared, which would be -1"),
    ):
        said = may_still_win(best, found, alpha, most)
        assert type(said).__name__ in ("bool", "bool_"), (
            f"Return True or False, yours is of type {type(said).__name__}."
        )
        asked = f"best {best:g}, found {found:g}, alpha {alpha:g}, at most {most} words"
        assert bool(said) == truth, f"{asked}: {truth}, because {why}; yours is {said}."


def words_per_look(keep, ahead):
    return sum(keep**i for i in range(ahead + 1))


def check_words_per_look(words_per_look):
    for keep, ahead, truth, why in (
        (0.0, 4, 1.0, "nothing is kept, and the large model adds one word"),
        (1.0, 4, 5.0, "all four are kept, and the large model adds one"),
        (0.5, 1, 1.5, "one draft, kept half of the time, and one word from the large model"),
        (0.5, 2, 1.75, "the second is kept only if the first was"),
        (0.8, 0, 1.0, "without drafts one step gives one word"),
    ):
        found = words_per_look(keep, ahead)
        assert isinstance(found, Real), f"Return a number, yours is of type {type(found).__name__}."
        assert math.isclose(found, truth, rel_tol=1e-9), (
            f"With {ahead} drafts, each kept with {keep:g}, one step gives {truth:g} words: {why}; yours: {found}."
        )


EXERCISES = [
    Exercise(
        "Top-p",
        check_nucleus,
        (
            "Go through the indices, most likely first: sorted(range(len(chances)), key=lambda i: -chances[i]).",
            "Stop before an index if those you have already sum to p; so the one that reaches p is kept.",
            "sorted is stable, so of equal ones the smaller index comes first.",
        ),
        nucleus,
    ),
    Exercise(
        "When can beam search stop?",
        check_may_still_win,
        (
            "What is the best log-probability that a text with this beginning can have? And the largest penalty?",
            "At best the log-probability stays; the penalty is largest at `most` words: ((5 + most) / 6) ** alpha.",
        ),
        may_still_win,
    ),
    Exercise(
        "Words per step of speculative decoding",
        check_words_per_look,
        (
            "The large model always gives one word. The i-th draft is kept if the first i are all kept.",
            "The expected value of a sum is the sum of the expected values: 1 + keep + keep^2 + ...",
        ),
        words_per_look,
    ),
]
