"""Losses of word vectors, held against loops of plain numbers."""

import math

import pytest
import torch

from lingon.core.errors import UserError
from lingon.layers.word_losses import glove, negative_sampling

N, K, D = 7, 3, 5


def test_negative_sampling_is_its_formula():
    torch.manual_seed(0)
    centre, context, noise = torch.randn(N, D), torch.randn(N, D), torch.randn(N, K, D)
    logistic = lambda x: 1 / (1 + math.exp(-x))
    dot = lambda a, b: sum(x * y for x, y in zip(a.tolist(), b.tolist(), strict=True))
    truth = 0.0
    for i in range(N):
        truth -= math.log(logistic(dot(centre[i], context[i])))
        truth -= sum(math.log(logistic(-dot(centre[i], noise[i, k]))) for k in range(K))
    assert math.isclose(negative_sampling(centre, context, noise).item(), truth / N, rel_tol=1e-5)


def test_immense_products_give_no_infinity():
    large = torch.full((1, 1), 1e4)
    assert negative_sampling(large, -large, large[None]).isfinite()


def test_glove_is_its_formula():
    torch.manual_seed(1)
    words, contexts, b, c = torch.randn(N, D), torch.randn(N, D), torch.randn(N), torch.randn(N)
    counts = torch.tensor([1.0, 2.0, 99.0, 100.0, 101.0, 5000.0, 0.5])
    truth = 0.0
    for i in range(N):
        product = sum(x * y for x, y in zip(words[i].tolist(), contexts[i].tolist(), strict=True))
        X = counts[i].item()
        weight = (X / 100) ** 0.75 if X < 100 else 1.0
        truth += weight * (product + b[i].item() + c[i].item() - math.log(X)) ** 2
    assert math.isclose(glove(words, contexts, b, c, counts).item(), truth / N, rel_tol=1e-5)
    with pytest.raises(UserError, match="a count of 0; GloVe is about pairs that were seen"):
        glove(words, contexts, b, c, counts * torch.tensor([0.0] + [1.0] * (N - 1)))
