"""Random expressions, each beside a function that computes the same with NumPy."""

from collections.abc import Callable

import numpy as np

from lingon import program
from lingon.program import Expression, Variable

SHAPES = [(3, 5), (5,), (3, 1), (), (1, 5)]
UNARY: list[tuple[Callable, Callable]] = [
    (lambda x: -x, np.negative),
    (program.tanh, np.tanh),
    (program.sin, np.sin),
    (program.square, np.square),
    (program.absolute, np.abs),
    (lambda x: x * 1.0, lambda x: x),
    (lambda x: x / 2.0, lambda x: x / 2),
    (lambda x: x - 0.0, lambda x: x),
    (lambda x: program.exp(program.tanh(x)), lambda x: np.exp(np.tanh(x))),
    (lambda x: program.relu(x), lambda x: np.maximum(x, 0)),
    (program.sigmoid, lambda x: 1 / (1 + np.exp(-x))),
    (lambda x: x.sum(-1, keepdims=True) if x.ndim else x, lambda x: x.sum(-1, keepdims=True) if x.ndim else x),
    (lambda x: x.max(0, keepdims=True) if x.ndim else x, lambda x: x.max(0, keepdims=True) if x.ndim else x),
    (lambda x: x.T.T, lambda x: x),
    (lambda x: x.reshape(-1).reshape(x.shape), lambda x: x),
    (lambda x: x[..., ::-1] if x.ndim else x, lambda x: x[..., ::-1] if x.ndim else x),
]
BINARY: list[tuple[Callable, Callable]] = [
    (lambda x, y: x + y, np.add),
    (lambda x, y: x - y, np.subtract),
    (lambda x, y: x * y, np.multiply),
    (program.maximum, np.maximum),
    (lambda x, y: x / (y * y + 1.0), lambda x, y: x / (y * y + 1)),
    (lambda x, y: program.where(x > y, x, y * 2.0), lambda x, y: np.where(x > y, x, y * 2)),
]


def graph(rng: np.random.Generator, size: int) -> tuple[list[Expression], list[np.ndarray], dict[str, np.ndarray]]:
    """Some expressions over a few variables, what NumPy says they are, and the values of the variables."""
    given = {f"x{i}": rng.normal(size=SHAPES[rng.integers(len(SHAPES))]) for i in range(3)}
    made = [(Variable(name, value.shape, value.dtype), value) for name, value in given.items()]
    made.append((program.constant(np.arange(5.0)), np.arange(5.0)))
    for _ in range(size):
        x, a = made[rng.integers(len(made))]
        if rng.random() < 0.5:
            ours, theirs = UNARY[rng.integers(len(UNARY))]
            made.append((ours(x), np.asarray(theirs(a))))
        else:
            y, b = made[rng.integers(len(made))]
            ours, theirs = BINARY[rng.integers(len(BINARY))]
            made.append((ours(x, y), np.asarray(theirs(a, b))))
    chosen = [made[i] for i in rng.choice(len(made), 3)]
    return [x for x, _ in chosen], [a for _, a in chosen], given
