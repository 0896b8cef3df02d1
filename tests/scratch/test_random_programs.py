"""Random programs, step by step in scratch and in torch: values, views, changes in place, gradients of gradients."""

import random
import warnings

import numpy as np
import pytest
import torch

import lingon.scratch as scratch
from lingon.core.errors import UserError

PROGRAMS, BATCH = 600, 100
BOTH = (scratch, torch)
# What scratch refuses where torch goes on: its rules need the inputs of exp, relu and so on, torch's their results.
REFUSED = ("changed in place after it was used", "say x.clone() first")


def dim_of(x, r):
    return r.randrange(-x.ndim, x.ndim)


def some_key(x, r):
    key, listed = [], False
    for size in x.shape:
        kind = r.choice(["all", "number", "slice", "list", "new", "steps"])
        if kind == "number" and size:
            key.append(r.randrange(-size, size))
        elif kind == "slice":
            key.append(slice(r.randint(0, size), r.randint(0, size)))
        elif kind == "steps":
            key.append(slice(None, None, 2))
        elif kind == "list" and size and not listed:
            key.append([r.randrange(size) for _ in range(3)])
            listed = True
        else:
            key += [None, slice(None)] if kind == "new" else [slice(None)]
    return tuple(key)


def one(T, p, x, y, r):
    name = r.choice(["sin", "cos", "tanh", "sigmoid", "exp", "relu", "abs", "square", "neg", "atan", "clone"])
    return getattr(x, name)()


def two(T, p, x, y, r):
    y = r.choice([y, 2, -0.5])
    kind = r.choice(["+", "-", "*", "/", "max", "where"])
    if kind == "max" or kind == "where":
        y = y if not isinstance(y, int | float) else T.tensor(y, dtype=x.dtype)
        return T.maximum(x, y) if kind == "max" else T.where(x > y, x, y * 2)
    return {"+": lambda: x + y, "-": lambda: y - x, "*": lambda: x * y, "/": lambda: x / (y * y + 1)}[kind]()


def reduced(T, p, x, y, r):
    if not x.ndim:
        return x.sum()
    dim, keep, name = dim_of(x, r), r.random() < 0.5, r.choice(["sum", "mean", "amax", "logsumexp", "prod", "norm"])
    name = name if x.shape[dim] else "sum"
    return (x * x + 1).norm(dim=dim, keepdim=keep) if name == "norm" else getattr(x, name)(dim, keepdim=keep)


def moved(T, p, x, y, r):
    kind = r.choice(["reshape", "permute", "flip", "unsqueeze", "expand", "squeeze", "detach"])
    order = r.sample(range(x.ndim), x.ndim)
    return {
        "reshape": lambda: x.reshape(-1) if x.numel() else x.flatten(),
        "permute": lambda: x.permute(order),
        "flip": lambda: x.flip(0) if x.ndim else x + 0,
        "unsqueeze": lambda: x.unsqueeze(r.randint(-x.ndim - 1, x.ndim)),
        "expand": lambda: x.unsqueeze(0).expand(2, *x.shape),
        "squeeze": lambda: x.squeeze(),
        "detach": lambda: x.detach() * x,
    }[kind]()


def joined(T, p, x, y, r):
    return T.stack([x, x * 2], r.randint(0, x.ndim)) if r.random() < 0.5 or not x.ndim else T.cat([x, x.sin()], -1)


def along(T, p, x, y, r):
    if not x.ndim:
        return x - 1
    dim, kind = dim_of(x, r), r.choice(["softmax", "log_softmax", "cumsum"])
    return getattr(x, kind)(dim)


def picked(T, p, x, y, r):
    return x[some_key(x, r)]


def changed(T, p, x, y, r):
    y = r.choice([y, 2.0, -0.5])
    kind = r.choice(["+=", "-=", "*=", "zero_", "clamp_", "put", "part"])
    if kind == "+=":
        x += y
    elif kind == "-=":
        x -= y
    elif kind == "*=":
        x *= y
    elif kind == "put":
        x[some_key(x, r)] = r.choice([1.5, p[0].sum() * 2])
    elif kind == "part":
        part = x[some_key(x, r)]
        part *= 2
    else:
        x.zero_() if kind == "zero_" else x.clamp_(-1, 1)
    return x * 1


STEPS = (one, two, two, reduced, moved, moved, joined, along, picked, changed, changed)


def attempted(function, *arguments):
    """The result, or the error."""
    try:
        return function(*arguments)
    except (RuntimeError, IndexError, ValueError, UserError) as error:
        return error


def agree(found, truth, what):
    assert found.shape == tuple(truth.shape), what
    np.testing.assert_allclose(found.detach().numpy(), truth.detach().numpy(), 1e-6, 1e-8, err_msg=what)


def failed(found, truth, what):
    """Whether the program ends here: torch refused, or scratch does, for a reason that is known."""
    if isinstance(found, Exception) and not isinstance(truth, Exception):
        assert any(words in str(found) for words in REFUSED), f"{what}: {found}"
    return isinstance(found, Exception) or isinstance(truth, Exception)


def slopes(T, leaves, pool):
    total = sum((x * (n + 1)).tanh().sum() for n, x in enumerate(pool))
    first = T.autograd.grad(total, leaves, create_graph=True, allow_unused=True, materialize_grads=True)
    squares = sum((g * g).sum() for g in first)
    if not squares.requires_grad:
        return [*first, *(T.zeros_like(x) for x in leaves)]
    return [*first, *T.autograd.grad(squares, leaves, allow_unused=True, materialize_grads=True)]


def run(seed):
    """Whether the program of this seed came to its end and was compared."""
    r, what = random.Random(seed), f"program {seed}"
    shapes = [tuple(r.choice([0, 1, 1, 2, 3, 5]) for _ in range(r.randint(0, 3))) for _ in range(2)]
    arrays = [np.random.default_rng(seed).normal(size=shape) for shape in shapes]
    leaves = [[T.tensor(a, requires_grad=True) for a in arrays] for T in BOTH]
    pools = [[x * 1 for x in side] for side in leaves]
    for _ in range(r.randint(2, 9)):
        step, i, j, choice = r.choice(STEPS), r.randrange(len(pools[0])), r.randrange(len(pools[0])), r.random()
        found, truth = (
            attempted(step, T, p, p[i], p[j], random.Random(choice)) for T, p in zip(BOTH, pools, strict=True)
        )
        if failed(found, truth, what):
            return False
        pools[0].append(found)
        pools[1].append(truth)
        for x, y in zip(*pools, strict=True):
            agree(x, y, what)
    found, truth = (attempted(slopes, *side) for side in zip(BOTH, leaves, pools, strict=True))
    if failed(found, truth, what):
        return False
    for x, y in zip(found, truth, strict=True):
        agree(x, y, what)
    return True


@pytest.mark.parametrize("start", range(0, PROGRAMS, BATCH))
def test_random_programs(start):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compared = sum(run(seed) for seed in range(start, start + BATCH))
    assert compared > BATCH / 2
