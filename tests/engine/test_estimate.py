"""Memory counted on shapes is the memory that is taken."""

from contextlib import nullcontext

import pytest
import torch
from torch import nn

from lingon.engine.estimate import (
    activation_bytes,
    fake_tensors,
    matmul_weights,
    memory_per_process,
    tensor_bytes,
    training_memory,
)
from lingon.models.decoder import decoder
from lingon.models.gpt import GPT


def made(kind, **more):
    torch.manual_seed(0)
    model = kind(vocab_size=31, width=24, depth=2, heads=3, context_length=11, **more).train()
    return model, torch.zeros(5, 7, dtype=torch.long)


@pytest.mark.parametrize(("kind", "more"), [(GPT, {}), (GPT, {"dropout": 0.1}), (decoder, {"kv_heads": 1})])
def test_shapes_alone_tell_what_is_kept_for_the_gradient(kind, more):
    counts = []
    for mode in (nullcontext(), fake_tensors()):
        with mode:
            model, ids = made(kind, **more)
            counts.append(activation_bytes(model, lambda model=model, ids=ids: model.hidden(ids)[0]))
    assert counts[0] == counts[1] > 0


def test_what_two_layers_keep_is_known_by_hand():
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 7))
    x = torch.zeros(11, 3)
    # The first layer keeps its input, tanh its result, which is the second layer's input too.
    assert activation_bytes(model, lambda: model(x)) == 4 * (11 * 3 + 11 * 5)


def test_adam_keeps_two_numbers_per_weight():
    model, _ = made(GPT)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.zeros(1, 2, dtype=torch.long)).sum().backward()
    optimizer.step()
    moments = [t for s in optimizer.state.values() for t in s.values() if t.ndim]
    found = training_memory(model, 13)
    assert found.optimizer == tensor_bytes(moments)
    assert found.gradients == tensor_bytes(p.grad for p in model.parameters())
    assert found.together == found.weights + found.gradients + found.optimizer + 13


def test_rows_that_are_looked_up_are_not_multiplied():
    apart, tied = (GPT(vocab_size=31, width=8, depth=1, heads=2, context_length=5, tied=t) for t in (False, True))
    assert matmul_weights(apart) == matmul_weights(tied) == 31 * 8 + 12 * 8 * 8


def test_spread_weights_take_their_share():
    alone = training_memory(made(GPT)[0], 700)
    assert memory_per_process(alone, 1, True, 0) == alone
    both, parts = memory_per_process(alone, 7, False, 0), memory_per_process(alone, 7, True, 40)
    assert (both.weights, both.activations) == (alone.weights, 100)
    assert parts.optimizer == alone.optimizer // 7
    assert parts.weights == alone.weights // 7 + 80
