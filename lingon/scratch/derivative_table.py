"""The table of derivatives: functions of one variable, each with its derivative written in the same operations."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Derivative:
    """A function of one variable: how NumPy computes it, its derivative, and the derivative as a formula.

    derivative: takes anything with the operations of an array: arrays, or power series of exact fractions, with which
    the tests check the table symbolically. whole: integers stay integers. truth: the dtype that bools become; None if
    they are refused, as in PyTorch.
    """

    value: Callable[[np.ndarray], np.ndarray]
    derivative: Callable
    formula: str
    whole: bool = False
    truth: str | None = None


def _sigmoid(x: np.ndarray) -> np.ndarray:
    small = np.exp(-np.abs(x))  # never overflows
    return np.where(x >= 0, 1, small) / (1 + small)


def _sign(x: np.ndarray) -> np.ndarray:
    return x if x.dtype.kind == "b" else np.nan_to_num(np.sign(x), nan=0)


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


DERIVATIVES = {
    "neg": Derivative(np.negative, lambda x: -1, "-1", whole=True),
    "exp": Derivative(np.exp, lambda x: x.exp(), "exp(x)"),
    "expm1": Derivative(np.expm1, lambda x: x.exp(), "exp(x)"),
    "log": Derivative(np.log, lambda x: 1 / x, "1 / x"),
    "log1p": Derivative(np.log1p, lambda x: 1 / (1 + x), "1 / (1 + x)"),
    "sqrt": Derivative(np.sqrt, lambda x: 0.5 / x.sqrt(), "1 / (2 sqrt(x))"),
    "square": Derivative(np.square, lambda x: 2 * x, "2 x", whole=True, truth="int64"),
    "reciprocal": Derivative(np.reciprocal, lambda x: -1 / (x * x), "-1 / x^2"),
    "sin": Derivative(np.sin, lambda x: x.cos(), "cos(x)"),
    "cos": Derivative(np.cos, lambda x: -x.sin(), "-sin(x)"),
    "tan": Derivative(np.tan, lambda x: 1 + x.tan() * x.tan(), "1 + tan(x)^2"),
    "sinh": Derivative(np.sinh, lambda x: x.cosh(), "cosh(x)"),
    "cosh": Derivative(np.cosh, lambda x: x.sinh(), "sinh(x)"),
    "tanh": Derivative(np.tanh, lambda x: 1 - x.tanh() * x.tanh(), "1 - tanh(x)^2"),
    "atan": Derivative(np.arctan, lambda x: 1 / (1 + x * x), "1 / (1 + x^2)"),
    "sigmoid": Derivative(_sigmoid, lambda x: x.sigmoid() * (1 - x.sigmoid()), "sigmoid(x) (1 - sigmoid(x))"),
    "softplus": Derivative(_softplus, lambda x: x.sigmoid(), "sigmoid(x)"),
    "relu": Derivative(lambda x: np.maximum(x, x.dtype.type(0)), lambda x: x > 0, "1 where x > 0, else 0", whole=True),
    "abs": Derivative(np.abs, lambda x: x.sign(), "sign(x)", whole=True),
    "sign": Derivative(_sign, lambda x: 0, "0", whole=True, truth="bool"),
    "floor": Derivative(np.floor, lambda x: 0, "0", whole=True),
    "ceil": Derivative(np.ceil, lambda x: 0, "0", whole=True),
    "round": Derivative(np.round, lambda x: 0, "0", whole=True),
    "trunc": Derivative(np.trunc, lambda x: 0, "0", whole=True),
}
