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
        (eighths, 0.5, {1}, "the likeliest reaches p by itself"),
        (eighths, 0.625, {1, 2}, "one alone has too little, and two have enough"),
        (eighths, 0.75, {1, 2}, "two sum to p, and that is enough"),
        (eighths, 0.875, {0, 1, 2}, "of two equals the smaller index comes first"),
        (eighths, 1.0, {0, 1, 2, 3}, "1 keeps all"),
        ([0.25] * 4, 0.3, {0, 1}, "no probability exceeds p, and still the fewest that reach it stay"),
        ([1.0], 0.1, {0}, "at least one stays"),
    ):
        found = nucleus(list(chances), p)
        assert isinstance(found, set | frozenset), (
            f"Give back a set of indices, yours is of type {type(found).__name__}."
        )
        assert set(found) == truth, f"Of {chances} with p = {p} stay {sorted(truth)}: {why}; yours: {list(found)}."


def may_still_win(best, found, alpha, most):
    return best / ((5 + most) / 6) ** alpha > found


def check_may_still_win(may_still_win):
    for best, found, alpha, most, truth, why in (
        (-4.0, -3.0, 0.0, 10, False, "without a penalty a log-probability only falls"),
        (-2.0, -3.0, 0.0, 10, True, "without a penalty -2 may still end as something better than -3"),
        (-4.0, -3.0, 1.0, 7, True, "at 7 words -4 is divided by 12/6 = 2, which would be -2"),
        (-4.0, -3.0, 1.0, 1, False, "with one word at most nothing is divided"),
        (-4.0, -1.0, 1.0, 7, False, "at 7 words -4 would be -2, no better than -1"),
        (-4.0, -2.0, 1.0, 7, False, "at 7 words -4 would be just -2, which is as good and not better"),
        (-9.0, -2.0, 2.0, 13, True, "at 13 words -9 is divided by 3 squared, which would be -1"),
    ):
        said = may_still_win(best, found, alpha, most)
        assert type(said).__name__ in ("bool", "bool_"), (
            f"Give back True or False, yours is of type {type(said).__name__}."
        )
        asked = f"best {best:g}, found {found:g}, alpha {alpha:g}, at most {most} words"
        assert bool(said) == truth, f"{asked}: {truth}, for {why}; yours is {said}."


def words_per_look(keep, ahead):
    return sum(keep**i for i in range(ahead + 1))


def check_words_per_look(words_per_look):
    for keep, ahead, truth, why in (
        (0.0, 4, 1.0, "nothing is kept, and the large model gives its own word"),
        (1.0, 4, 5.0, "all four are kept, and one more comes"),
        (0.5, 1, 1.5, "one draft that is kept half the time, and one word of the large model"),
        (0.5, 2, 1.75, "the second is kept only if the first was"),
        (0.8, 0, 1.0, "without a draft one look is one word"),
    ):
        found = words_per_look(keep, ahead)
        assert isinstance(found, Real), f"Give back a number, yours is of type {type(found).__name__}."
        assert math.isclose(found, truth, rel_tol=1e-9), (
            f"With {ahead} drafts, each kept with {keep:g}, {truth:g} words come of a look: {why}; yours: {found}."
        )


EXERCISES = [
    Exercise(
        "Top-p",
        check_nucleus,
        (
            "Go through the indices from the likeliest on: sorted(range(len(chances)), key=lambda i: -chances[i]).",
            "Stop before an index when those you have sum to p already; so the one that reaches p is kept.",
            "sorted is stable, so equals come with the smaller index first.",
        ),
        nucleus,
    ),
    Exercise(
        "When may a search stop?",
        check_may_still_win,
        (
            "What is the best log-probability that a text from this beginning can have? And the largest penalty?",
            "It can lose nothing more at best, and the penalty is largest at `most` words: ((5 + most) / 6) ** alpha.",
        ),
        may_still_win,
    ),
    Exercise(
        "Words for each look",
        check_words_per_look,
        (
            "The large model always gives one word. The i-th draft comes to stay when the first i are all kept.",
            "The mean of a sum is the sum of the means: 1 + keep + keep^2 + ...",
        ),
        words_per_look,
    ),
]
