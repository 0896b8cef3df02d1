"""Dropout by several random numbers at a time: what it drops, what it keeps, and when it stands aside."""

import pytest
import torch
from torch import nn

from lingon.kernels.dropout import LEAST, Dropout, dropout


@pytest.mark.parametrize("p", [0.001, 0.1, 0.5, 0.9])
def test_the_fraction_p_is_dropped_anywhere_and_the_rest_keeps_the_mean(p):
    torch.manual_seed(0)
    layer, ones = Dropout(p), torch.ones(1000, 997)  # a number of numbers that is no multiple of four
    found = layer(ones)
    assert set(found.unique().tolist()) == {0.0, found.max().item()}
    assert found.max() == pytest.approx(1 / (1 - p), rel=1e-4)
    error = (p * (1 - p) / ones.numel()) ** 0.5
    assert abs((found == 0).double().mean().item() - p) < 4 * error + 2**-17
    assert found.double().mean() == pytest.approx(1, abs=4 * error / (1 - p) + 2**-15)


def test_numbers_side_by_side_are_dropped_independently():
    torch.manual_seed(0)
    gone = (Dropout(0.3)(torch.ones(400, 1000)) == 0).double().flatten()
    for distance in (1, 2, 3, 4, 8):  # four of them come of one draw
        both = (gone[distance:] * gone[:-distance]).mean().item()
        assert both == pytest.approx(0.09, abs=0.002), distance


def test_the_gradient_passes_through_what_was_kept_alone():
    torch.manual_seed(0)
    x = torch.randn(80, 100, requires_grad=True)
    out = Dropout(0.25)(x)
    out.sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.where(out == 0, 0, 1 / 0.75), rtol=1e-5, atol=0)
    torch.testing.assert_close(out, x * x.grad)


def test_a_seed_gives_the_same_and_the_next_call_another():
    layer, x = Dropout(0.5), torch.ones(100, 100)
    torch.manual_seed(3)
    first, second = layer(x), layer(x)
    torch.manual_seed(3)
    assert torch.equal(layer(x), first)
    assert not torch.equal(first, second)


def test_types_and_ends(monkeypatch):
    x = torch.randn(LEAST)
    assert Dropout(0.2)(x.bfloat16()).dtype == torch.bfloat16
    assert Dropout(0.2).eval()(x) is x
    assert Dropout(0.0)(x) is x
    assert not Dropout(1.0)(x).any()
    torch.manual_seed(0)
    few = dropout(x[: LEAST - 1], 0.2)
    torch.manual_seed(0)
    torch.testing.assert_close(few, nn.functional.dropout(x[: LEAST - 1], 0.2), rtol=0, atol=0)
    compiled = torch.compile(Dropout(0.2), backend="eager")
    assert 0.1 < (compiled(x) == 0).float().mean() < 0.3


def test_a_byte_of_each_number_is_kept_for_the_gradient_and_it_has_a_gradient_too():
    torch.manual_seed(0)
    x, weight = torch.randn(70, 90, requires_grad=True), torch.randn(70, 90)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: (kept.append(t), t)[1], lambda t: t):
        out = dropout(x, 0.25)
    assert [(t.dtype, t.shape) for t in kept] == [(torch.bool, x.shape)]
    (second,) = torch.autograd.grad((out.square() * weight).sum(), x, create_graph=True)
    (third,) = torch.autograd.grad(second.sum(), x)
    torch.testing.assert_close(third, 2 * weight * torch.where(out == 0, 0, 1 / 0.75**2), rtol=1e-4, atol=1e-6)
