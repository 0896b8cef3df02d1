"""Checks, hints and solutions of lesson 09."""

import math

import torch

from lingon.learn.exercises import Exercise


def entropy(weights):
    logarithms = torch.where(weights > 0, weights, torch.ones_like(weights)).log()
    return -(weights * logarithms).sum(-1)


def check_entropy(entropy):
    even = torch.full((1, 7), 1 / 7)
    found = entropy(even)
    assert tuple(found.shape) == (1,), f"For one hop there is one entropy: shape (1,), yours is {tuple(found.shape)}."
    assert math.isclose(found.item(), math.log(7), rel_tol=1e-4), (
        f"The entropy of seven equal weights is ln 7 = {math.log(7):.4f}, yours is {found.item():.4f}."
    )
    found = entropy(torch.tensor([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [0.25, 0.25, 0.5]]))
    assert found.isfinite().all(), "A weight of 0 should add nothing, yours gives NaN: 0 times ln 0 has no value."
    truth = torch.tensor([math.log(2), 0.0, 1.5 * math.log(2)])
    assert torch.allclose(found, truth, atol=1e-4), f"Expected {truth.tolist()}, yours is {found.tolist()}."


def most_attended(tokens, weights, most):
    sums = {}
    for token, weight in zip(tokens, weights, strict=True):
        sums[token] = sums.get(token, 0.0) + weight
    return sorted(sums, key=lambda token: -sums[token])[:most]


def check_most_attended(most_attended):
    tokens = ["good", ",", "really", "really", "good", "fun", "."]
    weights = [0.125, 0.0625, 0.25, 0.25, 0.125, 0.1875, 0.0]
    for most, truth in ((1, ["really"]), (3, ["really", "good", "fun"]), (9, ["really", "good", "fun", ",", "."])):
        found = list(most_attended(tokens, weights, most))
        assert found == truth, f"The {most} words with the largest sums are {truth}, yours are {found}."
    equal = list(most_attended(["b", "a", "c", "a"], [0.5, 0.25, 0.5, 0.25], 3))
    assert equal == ["b", "a", "c"], f"b, a and c have equal sums, so they stay in text order; yours are {equal}."


def dot_product_attention(q, k, v, mask):
    scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5
    weights = scores.masked_fill(~mask[:, None], -torch.inf).softmax(-1)
    return weights @ v


def check_dot_product_attention(dot_product_attention):
    torch.manual_seed(0)
    q, k, v = torch.randn(2, 3, 5), torch.randn(2, 7, 5), torch.randn(2, 7, 5)
    whole = torch.ones(2, 7, dtype=torch.bool)
    found = dot_product_attention(q, k, v, whole)
    assert tuple(found.shape) == (2, 3, 5), f"The result is [B, S, D] = (2, 3, 5), yours is {tuple(found.shape)}."
    truth = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    assert torch.allclose(found, truth, atol=1e-5), (
        "Without padding it differs from torch's scaled_dot_product_attention: check the softmax dim and sqrt(D)."
    )
    mask = torch.arange(7) < torch.tensor([[7], [2]])
    truth = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None])
    found = dot_product_attention(q, k, v, mask)
    assert torch.allclose(found, truth, atol=1e-5), "Right without padding, wrong with it: padding still gets weight."
    large = dot_product_attention(1e4 * q, k, v, mask)
    assert large.isfinite().all(), (
        "Large scores overflow, also those of padding: mask first, then subtract the largest score that is left."
    )
    truth = torch.nn.functional.scaled_dot_product_attention(1e4 * q, k, v, attn_mask=mask[:, None])
    assert torch.allclose(large, truth, atol=1e-3), (
        "Right for small scores, wrong for large ones: padding must get no weight however large its score is."
    )


EXERCISES = [
    Exercise(
        "The entropy of attention",
        check_entropy,
        (
            "The logarithm of 0 is -inf, and 0 times -inf is NaN: do not take the logarithm of weights of 0.",
            "Replace weights of 0 by 1 before the logarithm: ln 1 is 0, which adds nothing.",
            "torch.where(weights > 0, weights, torch.ones_like(weights)).log(), then minus the sum of products over T.",
        ),
        entropy,
    ),
    Exercise(
        "The words with the most attention",
        check_most_attended,
        (
            "Use a dictionary from word to sum: start each word at 0 and add.",
            "Python's dictionaries keep the order of first insertion, and sorted keeps the order of equal elements.",
            "sorted(sums, key=lambda token: -sums[token])[:most]",
        ),
        most_attended,
    ),
    Exercise(
        "Dot-product attention",
        check_dot_product_attention,
        (
            "All dot products at once are q @ k.transpose(1, 2): [B, S, T].",
            "mask is [B, T], the scores are [B, S, T]; mask[:, None] broadcasts.",
            "Put -inf where there is padding (masked_fill), then softmax over the last dimension, then @ v.",
        ),
        dot_product_attention,
    ),
]
