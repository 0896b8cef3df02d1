"""Checks, hints and solutions of lesson 02."""

import inspect

import lingon.scratch as torch
from lingon.learn.exercises import Exercise


def _library(function):
    """The module that the student's cells import as torch: lingon.scratch, or PyTorch if it was imported instead."""
    return getattr(inspect.unwrap(function), "__globals__", {}).get("torch", torch)


def _array(found, shape, what):
    assert hasattr(found, "shape"), f"{what} should be an array, not {type(found).__name__}."
    assert tuple(found.shape) == shape, f"{what} should have the shape {list(shape)}, yours has {list(found.shape)}."
    return torch.tensor(found.tolist(), dtype=torch.float64)


def _shown(x):
    return "[" + ", ".join(f"{number:.4f}" for number in x.reshape(-1).tolist()) + "]"


def _double(*numbers, library=torch):
    return library.tensor(list(numbers), dtype=library.float64)


def _numbers(x):
    return torch.tensor(x.tolist(), dtype=torch.float64)


def slopes(f, x):
    found = []
    for i in range(len(x)):
        step = torch.zeros_like(x)
        step[i] = 1e-4
        found.append((f(x + step) - f(x - step)) / 2e-4)
    return torch.stack(found)


def check_slopes(slopes):
    T = _library(slopes)
    x = _double(1.0, 2.0, -3.0, library=T)
    found = _array(slopes(lambda x: (x * x).detach().sum(), x), (3,), "The gradient of a function of 3 numbers")
    assert x.tolist() == [1.0, 2.0, -3.0], "The array x was modified; make a new one, x + step."
    assert torch.allclose(found, _numbers(2 * x), atol=1e-6), (
        f"The gradient of the sum of squares at {x.tolist()} is {_shown(2 * x)}, yours is {_shown(found)}."
    )
    x = _double(0.5, 1.5, library=T)
    truth = _double(x[1].cos().item() * 1.0, -0.5 * x[1].sin().item())
    found = _array(slopes(lambda x: x[0] * T.cos(x[1]), x), (2,), "The gradient of a function of 2 numbers")
    assert torch.allclose(found, truth, atol=1e-6), (
        f"The gradient of x[0] cos(x[1]) at {x.tolist()} is {_shown(truth)}, yours is {_shown(found)}."
    )
    found = _array(
        slopes(lambda x: x[0] ** 2, _double(0.0, library=T)), (1,), "The gradient of a function of one number"
    )
    assert abs(found.item()) < 1e-8, (
        f"At the bottom of a parabola the slope is 0, yours is {found.item():.6f}: take steps to both sides."
    )


def back(x, W, gy):
    return gy @ W, gy.t() @ x, gy.sum(0)


def check_back(back):
    T = _library(back)
    T.manual_seed(0)
    x, W, b = (T.randn(*size, dtype=T.float64) for size in ((7, 3), (5, 3), (5,)))
    gy = T.randn(7, 5, dtype=T.float64)
    found = back(x, W, gy)
    assert isinstance(found, tuple | list), "Return three gradients, separated by commas: of x, W and b."
    assert len(found) == 3, f"There are three gradients, of x, W and b; you returned {len(found)}."
    leaves = [leaf.clone().requires_grad_() for leaf in (x, W, b)]
    (leaves[0] @ leaves[1].t() + leaves[2]).backward(gy)
    for name, leaf, one in zip("xWb", leaves, found, strict=True):
        one = _array(one, tuple(leaf.shape), f"The gradient of {name}")
        assert torch.allclose(one, _numbers(leaf.grad), atol=1e-8), (
            f"The gradient of {name} begins with {leaf.grad.reshape(-1)[0].item():.4f}, "
            f"yours with {one.reshape(-1)[0].item():.4f}."
        )


def roll(f, x, lr, steps):
    x, speed = x.detach().clone(), torch.zeros_like(x)
    for _ in range(steps):
        leaf = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(f(leaf), [leaf])
        speed = 0.9 * speed + gradient
        x = x - lr * speed
    return x


def _valley(x):
    return (x[0] - 3) ** 2 + 10 * (x[1] + 1) ** 2


def check_roll(roll):
    T = _library(roll)
    start = _double(0.0, 1.0, library=T)
    truth = start.clone().requires_grad_()
    optimizer = T.optim.SGD([truth], lr=0.02, momentum=0.9)
    for steps in range(3):
        found = roll(_valley, start, 0.02, steps)
        assert start.tolist() == [0.0, 1.0], "The array you were given was modified; begin with x.detach().clone()."
        assert not getattr(found, "requires_grad", False), "Return x without its history: x.detach()."
        found = _array(found, (2,), "The last x")
        assert torch.allclose(found, _numbers(truth.detach()), atol=1e-8), (
            f"After {steps} steps from {start.tolist()} x should be {_shown(truth.detach())}, yours is {_shown(found)}."
        )
        optimizer.zero_grad()
        _valley(truth).backward()
        optimizer.step()
    far = _array(roll(_valley, start, 0.02, 300), (2,), "The last x")
    assert torch.allclose(far, _double(3.0, -1.0), atol=1e-3), (
        f"After 300 steps x should be at [3, -1], yours is at {_shown(far)}."
    )


EXERCISES = [
    Exercise(
        "Numerical gradient",
        check_slopes,
        (
            "Loop over the positions: the step is an array of zeros with 1e-4 at one position.",
            "For position i: step = torch.zeros_like(x); step[i] = 1e-4; then (f(x + step) - f(x - step)) / 2e-4.",
            "Collect the slopes in a list and return torch.stack(found).",
        ),
        slopes,
    ),
    Exercise(
        "The backward pass of a layer",
        check_back,
        (
            "Each gradient has the shape of its array: [N, D], [O, D] and [O]. Which matrix products fit?",
            "For x: (N, O)(O, D). For W: (O, N)(N, D); this product includes the sum over all examples.",
            "b was added to every row, so its gradient is the sum over all rows: gy.sum(0).",
        ),
        back,
    ),
    Exercise(
        "Gradient descent with momentum",
        check_roll,
        (
            "Keep two arrays: x, which starts as x.detach().clone(), and the speed, which starts as zeros.",
            "In each step make a leaf, leaf = x.detach().requires_grad_(), and compute its gradient: "
            "(gradient,) = torch.autograd.grad(f(leaf), [leaf]).",
            "Then speed = 0.9 * speed + gradient, and x = x - lr * speed.",
        ),
        roll,
    ),
]
