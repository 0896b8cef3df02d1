"""Two layers at the same time give what they give one after the other."""

import pytest
import torch
from torch import nn

from lingon.kernels.parallel_lstm import parallel_lstm

T, B, D, H = 11, 3, 7, 5


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def parts():
    torch.manual_seed(0)
    return nn.LSTM(D, H), nn.LSTM(D, H), torch.randn(T, B, D, requires_grad=True), torch.randn(T, B, D)


def gradients_of(outputs, parts):
    first, second, x, _ = parts
    loss = sum((out * torch.arange(out.numel()).view_as(out)).sum() for out in outputs)
    return torch.autograd.grad(loss, [x, *first.parameters(), *second.parameters()])


def test_the_same_numbers_and_gradients(two_threads, parts):
    first, second, x, y = parts
    found, expected = parallel_lstm(first, second, x, y), (first(x)[0], second(y)[0])
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(gradients_of(found, parts), gradients_of(expected, parts))


def test_one_input_for_both_gathers_both_gradients(two_threads, parts):
    first, second, x, _ = parts
    found, expected = parallel_lstm(first, second, x, x), (first(x)[0], second(x)[0])
    torch.testing.assert_close(gradients_of(found, parts), gradients_of(expected, parts))


def test_the_modes_of_the_asking_thread_hold(two_threads, parts):
    with torch.inference_mode():
        assert all(out.is_inference() for out in parallel_lstm(*parts))
    with torch.no_grad():
        assert not any(out.requires_grad for out in parallel_lstm(*parts))
    with torch.autocast("cpu", torch.bfloat16):
        assert {out.dtype for out in parallel_lstm(*parts)} == {out.dtype for out in (parts[0](parts[2])[0],)}


def test_frozen_weights_stay_without_gradients(two_threads, parts):
    first, second, x, y = parts
    first.weight_ih_l0.requires_grad_(False)
    sum(out.sum() for out in parallel_lstm(first, second, x, y)).backward()
    assert first.weight_ih_l0.grad is None
    assert second.weight_ih_l0.grad is not None


def test_how_many_threads_others_may_use_is_left_alone(two_threads, parts):
    parallel_lstm(*parts)
    assert torch.get_num_threads() == 2
