"""Element-wise functions of one argument, made from the table of derivatives."""

from collections.abc import Callable

import numpy as np

from lingon.scratch import dtypes
from lingon.scratch.derivative_table import DERIVATIVES
from lingon.scratch.error_context import fail
from lingon.scratch.record import method, record
from lingon.scratch.tensor import Tensor


def _one(name: str) -> Callable[[Tensor], Tensor]:
    """Return the function of that name in the table of derivatives."""
    rule = DERIVATIVES[name]

    def function(x: Tensor) -> Tensor:
        numbers = x.array
        if rule.whole and numbers.dtype.kind == "b":
            if rule.truth is None:
                fail(f"{name} of truth values; say int() or float() first")
            numbers = numbers.astype(rule.truth)
        if numbers.dtype.kind != "f" and not rule.whole:
            numbers = numbers.astype(dtypes.DEFAULT)
        with np.errstate(all="ignore"):
            value = rule.value(numbers).astype(numbers.dtype, copy=False)
        return record(name, value, (x,), (lambda g: g * rule.derivative(x),), (x,))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Return {name}(x), element-wise; its derivative is {rule.formula}."
    return method(function)


neg, exp, expm1, log, log1p = map(_one, ("neg", "exp", "expm1", "log", "log1p"))
sqrt, square, reciprocal, abs = map(_one, ("sqrt", "square", "reciprocal", "abs"))
sin, cos, tan, sinh, cosh, atan = map(_one, ("sin", "cos", "tan", "sinh", "cosh", "atan"))
tanh, sigmoid, softplus, relu = map(_one, ("tanh", "sigmoid", "softplus", "relu"))
sign, floor, ceil, round, trunc = map(_one, ("sign", "floor", "ceil", "round", "trunc"))
