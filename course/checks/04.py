"""Checks, hints and solutions of lesson 04."""

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from lingon.learn.exercises import Exercise

SOFTMAX = ("softmax", "log_softmax", "special_softmax", "special_log_softmax", "softmin", "cross_entropy")
AUTOGRAD = ("backward", "grad")


class Without(TorchFunctionMode):
    """Forbids PyTorch's functions with these names, from whatever module or method they are called."""

    def __init__(self, names, said):
        super().__init__()
        self.names, self.said = names, said

    def __torch_function__(self, function, types, args=(), kwargs=None):
        name = getattr(function, "__name__", "")
        if function == torch.Tensor.grad.__get__:  # what .backward() leaves behind
            name = "grad"
        assert name not in self.names, self.said
        return function(*args, **(kwargs or {}))


def steady_softmax(logits):
    powers = (logits - logits.max(1, keepdim=True).values).exp()
    return powers / powers.sum(1, keepdim=True)


def check_steady_softmax(steady_softmax):
    for rows in ([[2.0, 1.0, -1.0]], [[0.0, 0.0], [3.0, -3.0]], [[1000.0, 0.0, 999.0], [-1000.0, -1001.0, -999.0]]):
        logits = torch.tensor(rows)
        with Without(SOFTMAX, "Use exp and sum: yours calls PyTorch's own softmax."):
            found = steady_softmax(logits)
        assert tuple(found.shape) == tuple(logits.shape), (
            f"For logits of shape {tuple(logits.shape)} yours has {tuple(found.shape)}."
        )
        assert not found.isnan().any(), f"For {rows} your result contains NaN: {found.tolist()}."
        # Floats near 1000 are 6e-5 apart, so even a correct exp of the difference of two of them is no more precise.
        assert torch.allclose(found.sum(1), torch.ones(len(rows)), atol=3e-4), (
            f"For {rows} the rows must each sum to 1, yours sum to {found.sum(1).tolist()}."
        )
        assert torch.allclose(found, logits.softmax(1), atol=1e-6 if logits.abs().max() < 100 else 2e-4), (
            f"For {rows} the probabilities are {logits.softmax(1).tolist()}, yours are {found.tolist()}."
        )


def gradient_by_hand(x, W, b, labels):
    believed = (x @ W.T + b).softmax(1)
    difference = believed - F.one_hot(labels, len(b))
    return difference.T @ x / len(x), difference.mean(0)


def check_gradient_by_hand(gradient_by_hand):
    torch.manual_seed(0)
    for B, D, C in ((1, 2, 3), (7, 5, 3)):
        x, W, b = torch.randn(B, D), torch.randn(C, D), torch.randn(C)
        labels = torch.arange(B) % C
        W.requires_grad_(), b.requires_grad_()
        dW, db = torch.autograd.grad(F.cross_entropy(x @ W.T + b, labels), [W, b])
        with Without(AUTOGRAD, "No autograd: predicted minus true, times the input, averaged over the batch."):
            found = gradient_by_hand(x, W.detach(), b.detach(), labels)
        assert isinstance(found, tuple | list), "Return a pair: the gradient of W, that of b."
        assert len(found) == 2, "Return a pair: the gradient of W, that of b."
        for name, mine, truth in (("W", found[0], dW), ("b", found[1], db)):
            assert tuple(mine.shape) == tuple(truth.shape), (
                f"The gradient of {name} must have the shape {tuple(truth.shape)}, yours has {tuple(mine.shape)}."
            )
            assert torch.allclose(mine, truth, atol=1e-6), (
                f"For {B} examples the gradient of {name} starts with {truth.flatten()[:3].tolist()}, "
                f"yours with {mine.flatten()[:3].tolist()}."
            )


def momentum_step(weight, velocity, gradient, lr, momentum):
    velocity = momentum * velocity + gradient
    return weight - lr * velocity, velocity


def check_momentum_step(momentum_step):
    found = momentum_step(torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([3.0]), 0.1, 0.5)
    assert isinstance(found, tuple | list), "Return a pair: the new weight, the new velocity."
    assert len(found) == 2, "Return a pair: the new weight, the new velocity."
    assert torch.allclose(found[1], torch.tensor([4.0])), (
        f"With momentum 0.5, velocity 2 and gradient 3 the new velocity is 4, yours is {found[1].tolist()}."
    )
    assert torch.allclose(found[0], torch.tensor([0.6])), (
        f"The weight 1 moves by -0.1 times the new velocity 4 to 0.6, yours is {found[0].tolist()}."
    )
    torch.manual_seed(0)
    theirs = torch.randn(5).requires_grad_()
    mine, velocity = theirs.detach().clone(), torch.zeros(5)
    optimizer = torch.optim.SGD([theirs], lr=0.3, momentum=0.9)
    for step in range(7):
        optimizer.zero_grad()
        theirs.pow(2).sum().backward()
        optimizer.step()
        mine, velocity = momentum_step(mine, velocity, 2 * mine, 0.3, 0.9)
        assert torch.allclose(mine, theirs, atol=1e-5), (
            f"After step {step + 1} of PyTorch's SGD the weights are {theirs.tolist()}, yours are {mine.tolist()}."
        )


EXERCISES = [
    Exercise(
        "A numerically stable softmax",
        check_steady_softmax,
        (
            "Adding the same number to all logits of a row changes no probability. Which number makes exp safe?",
            "Subtract the largest logit of each row: then no exp is larger than 1.",
            "logits.max(1, keepdim=True).values is the maximum of each row, as [B, 1].",
        ),
        steady_softmax,
    ),
    Exercise(
        "The gradient, without autograd",
        check_gradient_by_hand,
        (
            "Start with the probabilities [B, C], and subtract 1 at the correct class.",
            "F.one_hot(labels, C) is [B, C] with a 1 at the correct class. dW is a product of [C, B] and [B, D].",
            "difference.T @ x / len(x) for W; for b the mean of the differences over the batch, .mean(0).",
        ),
        gradient_by_hand,
    ),
    Exercise(
        "Momentum",
        check_momentum_step,
        (
            "First the new velocity, then the weight, which moves by the new velocity, not the old one.",
            "new velocity = momentum * velocity + gradient; the learning rate is used only when the weight moves.",
        ),
        momentum_step,
    ),
]
