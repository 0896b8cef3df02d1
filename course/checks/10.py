"""Checks, hints and solutions of lesson 10."""

import math
from decimal import Decimal, localcontext
from itertools import pairwise

from lingon.learn.exercises import Exercise


def perplexity(losses, counts):
    nats = sum(loss * count for loss, count in zip(losses, counts, strict=True))
    return math.exp(nats / sum(counts))


def check_perplexity(perplexity):
    found = perplexity([math.log(7.0)], [3])
    assert math.isclose(found, 7.0, rel_tol=1e-5), f"For one batch with loss log(7) the perplexity is 7, not {found}."
    found = perplexity([math.log(2.0), math.log(8.0)], [3, 1])
    truth = 2 ** (6 / 4)
    assert math.isclose(found, truth, rel_tol=1e-5), (
        f"3 tokens at log(2) and 1 at log(8) are {truth:.4f}, yours is {found}; weight batches by their token counts."
    )


def interpolated(text, before, word, a):
    followers = [second for first, second in pairwise(text) if first == before]
    follows = followers.count(word) / len(followers) if followers else 0.0
    return a * follows + (1 - a) * text.count(word) / len(text)


def check_interpolated(interpolated):
    six = ["a", "b", "a", "b", "a", "c"]
    for text, before, word, a, truth in [
        (six, "a", "b", 1.0, 2 / 3),
        (six, "a", "b", 0.0, 2 / 6),
        (six, "a", "c", 0.5, 1 / 4),
        (["a", "b", "a"], "a", "b", 1.0, 1.0),  # the last word is followed by nothing, and does not count
    ]:
        found = interpolated(text, before, word, a)
        assert math.isclose(found, truth, rel_tol=1e-9), (
            f"In {' '.join(text)!r}, after {before!r}, a = {a}: {word!r} has {truth:.4f}, yours is {found}."
        )
    found = interpolated(six, "c", "a", 0.5)
    assert math.isclose(found, 0.25), f"Nothing follows the last word, so only 0.5 * 3/6 is left; yours: {found}."


def at_least_once(p, tries):
    return -math.expm1(tries * math.log1p(-p))


def check_at_least_once(at_least_once):
    found = at_least_once(0.5, 2)
    assert math.isclose(found, 0.75), f"Two tosses of a coin: heads at least once with probability 3/4, not {found}."
    found = at_least_once(0.3, 5)
    assert math.isclose(found, 1 - 0.7**5), f"5 draws with p = 0.3 miss it with 0.7 to the 5th; yours is {found}."
    found = at_least_once(1e-18, 1000)
    assert math.isclose(found, 1e-15, rel_tol=1e-6), (
        f"1,000 draws of a token with p = 1e-18: about 1e-15, yours is {found}; 1 - p is rounded to 1."
    )
    for p in (0.1, 1e-3, 1e-5, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-18):
        for tries in (1, 7, 1000, 10**5, 10**6):
            found, truth = at_least_once(p, tries), _many_digits(p, tries)
            assert math.isclose(found, truth, rel_tol=1e-9), (
                f"{tries:,} draws with p = {p:g}: {truth:.12g}, yours is {found:.12g}; p times tries is not it, and "
                "1 - p loses digits: which two functions of `math` keep them?"
            )


def _many_digits(p, tries):
    """1 - (1 - p)^tries with 60 digits."""
    with localcontext() as context:
        context.prec = 60
        return float(1 - (1 - Decimal(p)) ** tries)


EXERCISES = [
    Exercise(
        "Perplexity",
        check_perplexity,
        (
            "A mean of means is right only when all batches have the same number of tokens.",
            "Multiply each loss by its count, add up, divide by all tokens, and exponentiate last.",
        ),
        perplexity,
    ),
    Exercise(
        "Interpolated counts",
        check_interpolated,
        (
            "Make a list of the words that follow `before`: itertools.pairwise(text) gives all pairs.",
            "The first fraction is followers.count(word) / len(followers), or 0 if there are none.",
        ),
        interpolated,
    ),
    Exercise(
        "Expected counts",
        check_at_least_once,
        (
            "It is drawn at least once unless every draw misses it: 1 - (1 - p) ** tries.",
            "math.log1p(x) is log(1 + x) and math.expm1(x) is exp(x) - 1, both accurate for tiny x.",
            "1 - exp(y) is -expm1(y), with y = tries * log1p(-p).",
        ),
        at_least_once,
    ),
]
