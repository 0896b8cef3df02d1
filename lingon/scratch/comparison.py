"""Element-wise comparison and logic, with bool results."""

from collections.abc import Callable

import numpy as np

from lingon.scratch import dtypes
from lingon.scratch.broadcasting import broadcast_operands
from lingon.scratch.error_context import fail
from lingon.scratch.operands import Operand
from lingon.scratch.record import method
from lingon.scratch.tensor import Tensor


def _compare(name: str, function: Callable, meet: bool = True) -> Callable[[Operand, Operand], Tensor]:
    def compare(x: Tensor, other: Operand) -> Tensor:
        _, (left, right) = broadcast_operands(x, other, dtype=None if meet else dtypes.bool)
        return Tensor(function(left, right))

    if not meet:
        compare.__annotations__["other"] = Tensor
    compare.__name__ = compare.__qualname__ = name
    compare.__doc__ = f"Return {name} of x and other, element-wise, as bools."
    return method(compare)


eq, ne = _compare("eq", np.equal), _compare("ne", np.not_equal)


lt, le = _compare("lt", np.less), _compare("le", np.less_equal)


gt, ge = _compare("gt", np.greater), _compare("ge", np.greater_equal)


logical_and = _compare("logical_and", np.logical_and, meet=False)


logical_or = _compare("logical_or", np.logical_or, meet=False)


logical_xor = _compare("logical_xor", np.logical_xor, meet=False)


def _bits(name: str, function: Callable) -> Callable[[Operand, Operand], Tensor]:
    def combine(x: Operand, other: Operand) -> Tensor:
        _, (left, right) = broadcast_operands(x, other)
        if left.dtype.kind == "f":
            fail(f"{name} is for truth values and whole numbers, not for {left.dtype}")
        return Tensor(function(left, right))

    combine.__name__ = combine.__qualname__ = name
    combine.__doc__ = f"Return {name} of x and other, element-wise."
    return method(combine)


bitwise_and, bitwise_or = _bits("bitwise_and", np.bitwise_and), _bits("bitwise_or", np.bitwise_or)


bitwise_xor = _bits("bitwise_xor", np.bitwise_xor)


@method
def logical_not(x: Tensor) -> Tensor:
    """Return True where x is 0 or false."""
    return Tensor(np.logical_not(x.array))


@method
def bitwise_not(x: Tensor) -> Tensor:
    """Return bools negated; for integers, every bit inverted."""
    if x.dtype.kind == "f":
        fail(f"~ is for truth values and whole numbers, not for {x.dtype}")
    return Tensor(np.invert(x.array))


@method
def isnan(x: Tensor) -> Tensor:
    """Return True where x is not a number."""
    return Tensor(np.isnan(x.array))


@method
def isinf(x: Tensor) -> Tensor:
    """Return True where x is infinite."""
    return Tensor(np.isinf(x.array))


@method
def isfinite(x: Tensor) -> Tensor:
    """Return True where x is a number and not infinite."""
    return Tensor(np.isfinite(x.array))
