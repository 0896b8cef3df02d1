"""Losses over large vocabularies against PyTorch's own, and against arithmetic."""

import math

import pytest
import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.layers.losses import (
    IGNORED,
    LogUniform,
    SampledNegatives,
    Unigram,
    _shares,
    chunked_cross_entropy,
    draw_unique,
    sampled_cross_entropy,
)

N, D, V = 23, 7, 31


@pytest.fixture
def parts():
    torch.manual_seed(0)
    targets = torch.randint(0, V, (N,))
    targets[3] = targets[11] = IGNORED
    return *(torch.randn(*s, requires_grad=True) for s in [(N, D), (V, D), (V,)]), targets


@pytest.mark.parametrize("rows", [1, 5, 100])
@pytest.mark.parametrize("biased", [True, False])
def test_in_chunks_as_at_once(parts, rows, biased):
    hidden, weight, bias, targets = parts
    bias = bias if biased else None
    found = chunked_cross_entropy(hidden, weight, bias, targets, chunk=rows * V)
    expected = F.cross_entropy(F.linear(hidden, weight, bias), targets)
    torch.testing.assert_close(found, expected)
    wanted = [hidden, weight] + [bias] * biased
    torch.testing.assert_close(torch.autograd.grad(3 * found, wanted), torch.autograd.grad(3 * expected, wanted))


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("smoothing", [0.1, 1.0])
def test_label_smoothing_as_at_once(parts, smoothing, biased):
    hidden, weight, bias, targets = parts
    bias = bias if biased else None
    found = chunked_cross_entropy(hidden, weight, bias, targets, 5 * V, "sum", label_smoothing=smoothing)
    expected = F.cross_entropy(F.linear(hidden, weight, bias), targets, reduction="sum", label_smoothing=smoothing)
    torch.testing.assert_close(found, expected)
    wanted = [hidden, weight] + [bias] * biased
    torch.testing.assert_close(torch.autograd.grad(found, wanted), torch.autograd.grad(expected, wanted))


def test_a_large_matrix_as_at_once():
    """Products with large matrices are computed by another library than PyTorch's usual one."""
    hidden, weight, bias = (torch.randn(*s, requires_grad=True) for s in [(N, 2 * D), (1009 * D, 2 * D), (1009 * D,)])
    targets = torch.randint(0, len(weight), (N,))
    found = chunked_cross_entropy(hidden, weight, bias, targets, chunk=3 * len(weight))
    expected = F.cross_entropy(F.linear(hidden, weight, bias), targets)
    torch.testing.assert_close(found, expected)
    wanted = [hidden, weight, bias]
    torch.testing.assert_close(torch.autograd.grad(found, wanted), torch.autograd.grad(expected, wanted))


def test_in_bfloat16_as_at_once(parts):
    hidden, weight, bias, targets = parts
    with torch.autocast("cpu", torch.bfloat16):
        found = chunked_cross_entropy(hidden, weight, bias, targets)
    gradient = torch.autograd.grad(found, [hidden, weight, bias])
    expected = F.cross_entropy(F.linear(hidden, weight, bias), targets)
    assert abs(found - expected) < 0.02 * expected
    for a, b in zip(gradient, torch.autograd.grad(expected, [hidden, weight, bias]), strict=True):
        assert F.cosine_similarity(a.flatten(), b.flatten(), dim=0) > 0.999


def test_no_target_counts_no_loss(parts):
    hidden, weight, bias, targets = parts
    loss = chunked_cross_entropy(hidden, weight, bias, torch.full_like(targets, IGNORED))
    assert loss == 0
    assert all(g.abs().max() == 0 for g in torch.autograd.grad(loss, [hidden, weight, bias]))


def test_logits_that_would_overflow():
    loss = chunked_cross_entropy(torch.full((1, 1), 1e4), torch.tensor([[1.0], [-1.0]]), None, torch.tensor([1]))
    assert loss == 2e4


def test_zipf_by_hand():
    found = LogUniform(3, 1).probabilities
    expected = torch.tensor([math.log(2), math.log(1.5), math.log(4 / 3)], dtype=torch.float64) / math.log(4)
    torch.testing.assert_close(found, expected)


def test_draws_are_different_tokens_and_as_often_as_expected():
    torch.manual_seed(1)
    probabilities = LogUniform(11, 5).probabilities
    seen, expected = torch.zeros(11), torch.zeros(11, dtype=torch.float64)
    for _ in range(2000):
        rivals, tries = draw_unique(probabilities, 5)
        assert len(set(rivals.tolist())) == 5
        seen[rivals] += 1
        expected += -torch.expm1(tries * torch.log1p(-probabilities))
    torch.testing.assert_close(seen.double() / 2000, expected / 2000, atol=0.05, rtol=0)


def test_unigram_draws_follow_the_counts():
    found = Unigram(torch.tensor([0.0, 9.0, 29.0]), 1).probabilities
    torch.testing.assert_close(found, torch.tensor([1, 10, 30], dtype=torch.float64) / 41)


def test_sampling_nearly_everything_is_nearly_the_full_softmax():
    torch.manual_seed(2)
    hidden, weight, bias = torch.randn(N, D) * 0.3, torch.randn(V, D), torch.randn(V)
    targets = torch.randint(0, V, (N,))
    full = F.cross_entropy(F.linear(hidden, weight, bias), targets)
    few, many = (
        torch.stack([sampled_cross_entropy(hidden, weight, bias, targets, LogUniform(V, n)) for _ in range(200)]).mean()
        for n in (5, V - 1)
    )
    assert abs(many - full) < 0.2 * abs(few - full)


def test_a_rival_that_is_the_target_does_not_count():
    hidden, weight = torch.ones(1, 1), torch.tensor([[5.0], [0.0]])
    only = SampledNegatives(torch.tensor([0]), torch.ones(1), torch.ones(1))
    assert sampled_cross_entropy(hidden, weight, None, torch.tensor([0]), lambda targets: only) == 0


def test_as_many_samples_as_tokens_are_refused():
    with pytest.raises(UserError, match="31 samples of a vocabulary of 31"):
        LogUniform(31, 31)


@pytest.mark.parametrize("size", [2, 3, 17, 257, 4099])
def test_shares_in_the_place_of_their_logits_are_the_softmax(size):
    logits = torch.randn(13, size, generator=torch.Generator().manual_seed(size)) * 5
    torch.testing.assert_close(_shares(logits.clone()), logits.softmax(1))


def test_a_target_whose_share_underflows_keeps_its_loss_and_gradient():
    hidden, weight = torch.tensor([[1.0, 0.0], [0.0, 1.0]], requires_grad=True), torch.tensor([[0.0, 1], [200, 2]])
    targets = torch.tensor([0, 1])
    loss = chunked_cross_entropy(hidden, weight, None, targets)
    loss.backward()
    assert loss.item() == pytest.approx((200 + math.log1p(math.exp(-1))) / 2)
    other = hidden.detach().requires_grad_()
    F.cross_entropy(other @ weight.T, targets).backward()
    torch.testing.assert_close(hidden.grad, other.grad)
