"""Log-probabilities in parts: values and gradients of torch's own log softmax."""

import pytest
import torch

from lingon.layers.logprobs import chunked_logprobs

N, D, V = 13, 5, 31


@pytest.mark.parametrize("rows", [1, 4, 13, 99])
@pytest.mark.parametrize("with_bias", [True, False])
def test_values_and_gradients_are_those_of_whole_logits(rows, with_bias):
    draw = torch.Generator().manual_seed(0)
    hidden, weight, bias = (torch.randn(shape, generator=draw) for shape in ((N, D), (V, D), (V,)))
    targets, factors = torch.randint(V, (N,), generator=draw), torch.randn(N, generator=draw)
    inputs = [hidden, weight, *([bias] if with_bias else [])]
    both = []
    for chunked in (True, False):
        own = [x.clone().requires_grad_(True) for x in inputs]
        b = own[2] if with_bias else None
        if chunked:
            found = chunked_logprobs(own[0], own[1], b, targets, rows * V)
        else:
            found = torch.nn.functional.linear(own[0], own[1], b).log_softmax(1)[torch.arange(N), targets]
        both.append([found, *torch.autograd.grad((found * factors).sum(), own)])
    for found, wanted in zip(*both, strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def test_frozen_weights_take_no_gradient_and_no_rows_give_none():
    hidden, weight = torch.randn(N, D, requires_grad=True), torch.randn(V, D)
    chunked_logprobs(hidden, weight, None, torch.zeros(N, dtype=torch.long)).sum().backward()
    assert hidden.grad is not None
    assert chunked_logprobs(hidden[:0], weight, None, torch.zeros(0, dtype=torch.long)).tolist() == []
