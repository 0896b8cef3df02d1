"""Layers, losses and optimizers against torch, with the same weights; whole trainings step by step."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import lingon.scratch as scratch
from lingon.core.errors import UserError
from tests.scratch.arrays import check, same

BOTH = [scratch, torch]


def rng(seed=0):
    return np.random.default_rng(seed)


LAYERS = {
    "linear": (lambda T: T.nn.Linear(5, 3), (7, 5)),
    "linear without bias": (lambda T: T.nn.Linear(5, 3, bias=False), (2, 7, 5)),
    "linear of one": (lambda T: T.nn.Linear(5, 3), (5,)),
    "linear of none": (lambda T: T.nn.Linear(5, 3), (0, 5)),
    "conv": (lambda T: T.nn.Conv1d(5, 3, 2, stride=2, padding=1), (7, 5, 11)),
    "mlp": (lambda T: T.nn.Sequential(T.nn.Flatten(), T.nn.Linear(10, 7), T.nn.ReLU(), T.nn.Linear(7, 3)), (11, 2, 5)),
    "tanh": (lambda T: T.nn.Sequential(T.nn.Linear(5, 3), T.nn.Tanh(), T.nn.Sigmoid()), (7, 5)),
    "dropout that is off": (lambda T: T.nn.Sequential(T.nn.Linear(5, 3), T.nn.Dropout(0.5)).eval(), (7, 5)),
}


def same_weights(make):
    ours, theirs = make(scratch), make(torch)
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})
    assert list(ours.state_dict()) == list(theirs.state_dict())
    return ours, theirs


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    make, shape = LAYERS[name]
    ours, theirs = same_weights(make)
    x = rng().normal(size=shape).astype(np.float32)
    a, b = scratch.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    found, truth = ours(a), theirs(b)
    same(found, truth, 1e-5)
    found.square().sum().backward()
    truth.square().sum().backward()
    same(a.grad, b.grad, 1e-4)
    for (name, p), (other, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == other
        same(p.grad, q.grad, 1e-4)


@pytest.mark.parametrize("bias", [True, False])
def test_lstm_cell_over_several_steps(bias):
    ours, theirs = same_weights(lambda T: T.nn.LSTMCell(5, 3, bias=bias))
    x = rng().normal(size=(7, 2, 5)).astype(np.float32)
    results = []
    for T, cell in ((scratch, ours), (torch, theirs)):
        states, inputs = None, T.tensor(x, requires_grad=True)
        for step in inputs:
            states = cell(step, states)
        (states[0].sum() + (states[1] ** 2).sum()).backward()
        results.append([*states, inputs.grad, *(p.grad for p in cell.parameters())])
    same(*results, 1e-5)
    same(ours(scratch.zeros(5)), theirs(torch.zeros(5)), 1e-5)


@pytest.mark.parametrize("padding", [None, 0, -1])
def test_embedding(padding):
    ids = np.array([[2, 0, 2], [6, 1, 0]])
    weight = rng().normal(size=(7, 3))

    def look_up(T, w):
        if T is torch and padding is not None:
            return torch.nn.functional.embedding(T.tensor(ids), w, padding_idx=padding).sin()
        return T.nn.functional.embedding(T.tensor(ids), w, padding).sin()

    check(look_up, [weight], ["plain"], [True], second=padding is None)
    layer = scratch.nn.Embedding(7, 3, padding)
    assert padding is None or not layer.weight[padding].any()
    assert layer(scratch.tensor(ids)).shape == (2, 3, 3)


def test_dropout_keeps_the_mean_and_the_share():
    scratch.manual_seed(0)
    layer, x = scratch.nn.Dropout(0.25), scratch.ones(100_000, requires_grad=True)
    y = layer(x)
    assert set(np.unique(y.detach().numpy()).tolist()) == {0.0, np.float32(1 / 0.75).item()}
    assert abs((y == 0).float().mean().item() - 0.25) < 0.01
    y.sum().backward()
    assert scratch.equal(x.grad, y.detach())
    assert not scratch.nn.Dropout(1.0)(x).any()


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.data())
def test_cross_entropy(data):
    classes, batch = data.draw(st.integers(1, 5)), data.draw(st.integers(0, 4))
    more = data.draw(st.sampled_from([(), (2,), (2, 3)]))
    shape = data.draw(st.sampled_from([(classes,), (batch, classes, *more)]))
    rest = () if len(shape) == 1 else (batch, *more)
    numbers = rng(data.draw(st.integers(0, 99)))
    logits, weights = numbers.normal(size=shape), numbers.uniform(0.5, 2, classes)
    shares = data.draw(st.booleans())
    reduction = data.draw(st.sampled_from(["mean", "sum", "none"]))
    smoothing = data.draw(st.sampled_from([0.0, 0.1]))
    weighted = data.draw(st.booleans())
    targets = numbers.integers(0, classes, rest)
    if not shares and data.draw(st.booleans()):
        targets = np.where(numbers.uniform(size=rest) < 0.4, -100, targets)
    if shares:
        targets = numbers.dirichlet(np.ones(classes), rest)
        targets = np.moveaxis(targets, -1, 1) if len(shape) > 1 else targets
    assume(shares or reduction != "mean" or (targets != -100).any() or smoothing == 0)
    assume(not (shares and reduction == "mean" and 0 in rest))

    def loss(T, x, w):
        w = w if weighted else None
        named = {"weight": w, "reduction": reduction, "label_smoothing": smoothing}
        return T.nn.functional.cross_entropy(x, T.tensor(targets), **named)

    finite = shares or (targets != -100).any()
    check(loss, [logits, weights], ["plain"] * 2, [finite, False], second=bool(finite))


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "binary_cross_entropy_with_logits"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_other_losses(name, reduction):
    a, b = rng().normal(size=(3, 5)), rng(1).uniform(size=(3, 5))
    check(lambda T, x, y: getattr(T.nn.functional, name)(x, y, reduction=reduction), [a, b], ["plain"] * 2, [True] * 2)


OPTIMIZERS = {
    "sgd": lambda T, p: T.optim.SGD(p, lr=0.1),
    "momentum": lambda T, p: T.optim.SGD(p, lr=0.1, momentum=0.9),
    "nesterov": lambda T, p: T.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda T, p: T.optim.Adam(p, lr=0.03),
    "adam with decay": lambda T, p: T.optim.Adam(p, lr=0.03, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_training_is_step_by_step_that_of_torch(name):
    make = lambda T: T.nn.Sequential(T.nn.Linear(5, 7), T.nn.Tanh(), T.nn.Linear(7, 3))
    x, y = rng().normal(size=(11, 5)).astype(np.float32), rng(1).integers(0, 3, 11)
    losses = []
    for T, model in zip(BOTH, same_weights(make), strict=True):
        optimizer, row = OPTIMIZERS[name](T, model.parameters()), []
        for _ in range(30):
            loss = T.nn.functional.cross_entropy(model(T.tensor(x)), T.tensor(y))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            row.append(loss.item())
        losses.append(row)
    np.testing.assert_allclose(*losses, rtol=1e-4)
    assert losses[0][-1] < losses[0][0]


def test_optimizers_leave_what_has_no_gradient_and_refuse_what_is_none():
    w, unused = scratch.ones(3, requires_grad=True), scratch.ones(3, requires_grad=True)
    optimizer = scratch.optim.SGD([w, unused], lr=0.5)
    w.sum().backward()
    optimizer.step()
    assert w.tolist() == [0.5] * 3
    assert unused.tolist() == [1] * 3
    for wrong, message in (([], "needs a list"), ([w * 2], "changes leaves")):
        with pytest.raises(UserError, match=message):
            scratch.optim.Adam(wrong)
    with pytest.raises(UserError, match="learning rate of -1"):
        scratch.optim.SGD([w], lr=-1)


def test_modules_find_their_parts():
    class Net(scratch.nn.Module):
        def __init__(self):
            self.first, self.scale = scratch.nn.Linear(2, 3), scratch.nn.Parameter(scratch.ones(1))
            self.rest = scratch.nn.Sequential(scratch.nn.Dropout(), scratch.nn.Linear(3, 1))

        def forward(self, x):
            return self.rest(self.first(x) * self.scale)

    net = Net()
    names = ["scale", "first.weight", "first.bias", "rest.1.weight", "rest.1.bias"]
    assert [name for name, _ in net.named_parameters()] == names
    assert net.eval() is net
    assert not net.rest[0].training
    net(scratch.ones(5, 2)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    with pytest.raises(UserError, match=r"unknown weight 'first\.weightt'; did you mean 'first\.weight'"):
        net.load_state_dict({**net.state_dict(), "first.weightt": scratch.ones(1)})
    with pytest.raises(UserError, match=r"weights are missing: first\.weight"):
        net.load_state_dict({"scale": scratch.ones(1)})
    with pytest.raises(UserError, match=r"'scale' is \[1\] here and \[2\]"):
        net.load_state_dict({**net.state_dict(), "scale": scratch.ones(2)})
