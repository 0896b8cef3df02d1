"""Checks, hints and solutions of lesson 02."""

import inspect

import lingon.scratch as torch
from lingon.learn.exercises import Exercise


def _library(function):
    """What the reader's cells call torch: lingon.scratch, or PyTorch where its import stands in the other's place."""
    return getattr(inspect.unwrap(function), "__globals__", {}).get("torch", torch)


def _array(found, shape, what):
    assert hasattr(found, "shape"), f"{what} should be an array, you give back {type(found).__name__}."
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
    assert x.tolist() == [1.0, 2.0, -3.0], "The array x was changed; make a new one, x + step."
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
        f"At the bottom of a parabola the slope is 0, yours is {found.item():.6f}: go the step to both sides."
    )


def back(x, W, gy):
    return gy @ W, gy.t() @ x, gy.sum(0)


def check_back(back):
    T = _library(back)
    T.manual_seed(0)
    x, W, b = (T.randn(*size, dtype=T.float64) for size in ((7, 3), (5, 3), (5,)))
    gy = T.randn(7, 5, dtype=T.float64)
    found = back(x, W, gy)
    assert isinstance(found, tuple | list), "Give back three gradients with commas between: in x, in W, in b."
    assert len(found) == 3, f"There are three gradients, in x, in W and in b; you give back {len(found)}."
    leaves = [leaf.clone().requires_grad_() for leaf in (x, W, b)]
    (leaves[0] @ leaves[1].t() + leaves[2]).backward(gy)
    for name, leaf, one in zip("xWb", leaves, found, strict=True):
        one = _array(one, tuple(leaf.shape), f"The gradient in {name}")
        assert torch.allclose(one, _numbers(leaf.grad), atol=1e-8), (
            f"The gradient in {name} begins with {leaf.grad.reshape(-1)[0].item():.4f}, "
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
        assert start.tolist() == [0.0, 1.0], "The array that came in was changed; begin with x.detach().clone()."
        assert not getattr(found, "requires_grad", False), "Give back x without its history: x.detach()."
        found = _array(found, (2,), "The last x")
        assert torch.allclose(found, _numbers(truth.detach()), atol=1e-8), (
            f"After {steps} steps from {start.tolist()} x should be {_shown(truth.detach())}, yours is {_shown(found)}."
        )
        optimizer.zero_grad()
        _valley(truth).backward()
        optimizer.step()
    far = _array(roll(_valley, start, 0.02, 300), (2,), "The last x")
    assert torch.allclose(far, _double(3.0, -1.0), atol=1e-3), (
        f"After 300 steps the ball should lie at [3, -1], yours is at {_shown(far)}."
    )


EXERCISES = [
    Exercise(
        "Slopes by trying",
        check_slopes,
        (
            "Go through the places with a loop: the step is an array of zeros with 1e-4 at one place.",
            "For place i: step = torch.zeros_like(x); step[i] = 1e-4; then (f(x + step) - f(x - step)) / 2e-4.",
            "Gather the slopes in a list and give back torch.stack(found).",
        ),
        slopes,
    ),
    Exercise(
        "The way back through a layer",
        check_back,
        (
            "Each gradient has the shape of its array: [N, D], [O, D] and [O]. Which products of matrices fit?",
            "In x: (N, O)(O, D). In W: (O, N)(N, D); the sum over all examples is in the product.",
            "b was added to every row, so it gathers the gradients of all rows: gy.sum(0).",
        ),
        back,
    ),
    Exercise(
        "Downhill with momentum",
        check_roll,
        (
            "Keep two arrays: x, which starts as x.detach().clone(), and the speed, which starts as zeros.",
            "In each step make a leaf, leaf = x.detach().requires_grad_(), and take its gradient: "
            "(gradient,) = torch.autograd.grad(f(leaf), [leaf]).",
            "Then speed = 0.9 * speed + gradient, and x = x - lr * speed.",
        ),
        roll,
    ),
]
