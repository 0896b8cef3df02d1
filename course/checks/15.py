"""Checks, hints and solutions of lesson 15."""

import math
import random
from collections import Counter
from numbers import Real

from lingon.learn.exercises import Exercise


def clipped_counts(said, references, n):
    def ngrams(words):
        return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))

    most = Counter()
    for reference in references:
        most |= ngrams(reference)
    return sum((ngrams(said) & most).values())


def check_clipped_counts(clipped_counts):
    cat, other = ["the", "cat", "is", "on", "the", "mat"], ["there", "is", "a", "cat", "on", "the", "mat"]
    cases = (
        (["the"] * 4, [cat], 1, 2, "the reference has two"),
        (["the"] * 4, [cat, other], 1, 2, "the reference with the most has two, not three"),
        (["a", "cat", "is", "there"], [cat, other], 1, 4, "each word is in one of the references"),
        (["a", "cat", "is", "there"], [cat, other], 2, 2, "'a cat' is in the second, 'cat is' in the first"),
        (["on", "the", "mat"] * 2, [cat, other], 3, 1, "'on the mat' occurs once in each, so it counts once"),
        (["mat"], [cat], 2, 0, "one word has no bigram"),
        ([], [cat], 1, 0, "the translation is empty"),
    )
    for said, references, n, truth, why in cases:
        found = clipped_counts(list(said), [list(one) for one in references], n)
        assert isinstance(found, Real), f"Return a number, yours is of type {type(found).__name__}."
        assert found == truth, (
            f"{' '.join(said)!r}, {len(references)} reference(s), n = {n}: {truth}, since {why}; yours: {found}."
        )


def fair_alpha(short, long):
    return math.log(long[0] / short[0]) / math.log((5 + long[1]) / (5 + short[1]))


def check_fair_alpha(fair_alpha):
    draw = random.Random(0)
    cases = [((-2.0, 1), (-4.0, 7)), ((-3.0, 5), (-3.0, 9))]
    for _ in range(20):
        words, logprob = draw.randint(1, 20), -draw.uniform(0.5, 9)
        cases.append(((logprob, words), (logprob * draw.uniform(1.05, 3), words + draw.randint(1, 9))))
    for short, long in cases:
        found = fair_alpha(short, long)
        assert isinstance(found, Real), f"Return a number, yours is of type {type(found).__name__}."
        scores = [logprob / ((5 + words) / 6) ** float(found) for logprob, words in (short, long)]
        assert math.isclose(*scores, rel_tol=1e-6), (
            f"For {short} and {long} your alpha {float(found):.4g} gives the scores {scores[0]:.4g} and "
            f"{scores[1]:.4g}; they must be the same."
        )


def additive_attention(query, keys, w, u, v):
    scores = (query @ w.T + keys @ u.T).tanh() @ v
    return scores.softmax(0)


def check_additive_attention(additive_attention):
    import torch

    draw = torch.Generator().manual_seed(0)
    query, keys, w, u, v = (torch.randn(*s, generator=draw) for s in ((3,), (5, 7), (11, 3), (11, 7), (11,)))
    found = additive_attention(query, keys, w, u, v)
    assert isinstance(found, torch.Tensor), f"Return a tensor, yours is of type {type(found).__name__}."
    assert found.shape == (5,), f"There must be a weight for each of the 5 vectors; your shape is {[*found.shape]}."
    assert torch.isclose(found.sum(), torch.tensor(1.0), atol=1e-5), f"The weights sum to {found.sum():.4g}, not to 1."
    scores = [sum(v[a] * math.tanh(w[a] @ query + u[a] @ key) for a in range(11)) for key in keys]
    truth = torch.tensor([math.exp(score) for score in scores])
    truth /= truth.sum()
    assert torch.allclose(found, truth, atol=1e-5), (
        f"The weights are {[round(x, 3) for x in truth.tolist()]}, yours {[round(x, 3) for x in found.tolist()]}."
    )


EXERCISES = [
    Exercise(
        "Several references",
        check_clipped_counts,
        (
            "Count the n-grams of each reference with a Counter, as in the lesson.",
            "For two Counters, a | b has the larger count of each key, a & b the smaller one.",
            "sum((ngrams(said) & most).values()), where `most` is the | of all references.",
        ),
        clipped_counts,
    ),
    Exercise(
        "The strength of the length penalty",
        check_fair_alpha,
        (
            "Write down the two scores and set them equal; the 6 cancels.",
            "long / short = ((5 + long words) / (5 + short words)) ** alpha.",
            "Take the logarithm of both sides.",
        ),
        fair_alpha,
    ),
    Exercise(
        "Additive attention",
        check_additive_attention,
        (
            "W q is one vector [A] for all; U k is [S, A] for all keys at once: keys @ u.T.",
            "The tanh of their sum, times v, is a score for each key [S].",
            "A softmax over the keys turns scores into weights.",
        ),
        additive_attention,
    ),
]
