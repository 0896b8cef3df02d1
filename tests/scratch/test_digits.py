"""The bar: scratch trains a network on real digits, and the same network in torch agrees."""

import time

import numpy as np
import pytest
import torch

import lingon.scratch as scratch
from lingon.data.corpora import load_pictures


def network(T):
    return T.nn.Sequential(T.nn.Linear(784, 128), T.nn.ReLU(), T.nn.Linear(128, 10))


def train(T, model, x, y, epochs, rows=50):
    """The network of lesson 04 and its steps, in scratch or in torch: batches in an order that NumPy shuffles."""
    optimizer, order = T.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), np.random.default_rng(0)
    for _ in range(epochs):
        for part in np.split(order.permutation(len(x)), range(rows, len(x), rows)):
            loss = T.nn.functional.cross_entropy(model(T.tensor(x[part])), T.tensor(y[part]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


@pytest.mark.data
def test_scratch_learns_to_read_digits():
    digits = load_pictures("digits")
    scratch.manual_seed(0)
    began = time.process_time()
    model = train(scratch, network(scratch), digits.train.flat, digits.train.labels, epochs=12)
    seconds = time.process_time() - began
    with scratch.no_grad():
        right = model(scratch.tensor(digits.test.flat)).argmax(1) == scratch.tensor(digits.test.labels)
    print(f"accuracy {right.float().mean().item():.3f} on {len(right)} digits, {seconds:.1f} s")
    assert right.float().mean().item() >= 0.93


@pytest.mark.data
def test_torch_agrees_to_the_fifth_place():
    digits = load_pictures("digits")
    x, y, test = digits.train.flat, digits.train.labels, digits.test.flat
    scratch.manual_seed(0)
    ours, theirs = network(scratch), network(torch)
    theirs.load_state_dict({name: torch.tensor(value.numpy()) for name, value in ours.state_dict().items()})
    trained = train(scratch, ours, x, y, epochs=1)
    train(torch, theirs, x, y, epochs=1)
    found = trained(scratch.tensor(test)).softmax(1).detach().numpy()
    truth = theirs(torch.tensor(test)).softmax(1).detach().numpy()
    assert np.abs(found - truth).max() < 1e-4  # 70 steps of rounding in float32 apart
    same = network(torch)
    same.load_state_dict({name: torch.tensor(value.numpy()) for name, value in trained.state_dict().items()})
    assert (
        np.abs(same(torch.tensor(test)).detach().numpy() - trained(scratch.tensor(test)).detach().numpy()).max() < 1e-5
    )
