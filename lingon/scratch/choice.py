"""Element-wise selection: by a condition, a mask or limits; maximum and minimum."""

from collections.abc import Callable

import numpy as np

from lingon.scratch import dtypes
from lingon.scratch.arguments import argument_type, as_number, check_arguments
from lingon.scratch.broadcasting import broadcast_operands, cast_operand, record_binary
from lingon.scratch.dimensions import shape_of
from lingon.scratch.dtypes import rank
from lingon.scratch.error_context import fail
from lingon.scratch.node import GradientRule
from lingon.scratch.operands import Operand, as_tensor, result_dtype
from lingon.scratch.record import method, record
from lingon.scratch.tensor import Tensor

argument_type(Operand | None, "an array, a number or None", as_number, Tensor, float, int, bool, type(None))


def where(condition: Tensor, x: Operand, other: Operand) -> Tensor:
    """Return x where the condition is true, else `other`."""
    condition = as_tensor(condition)
    if condition.dtype != dtypes.bool:
        fail(f"the condition of where is {condition.dtype}; expected truth values, such as x > 0")
    a, b = as_tensor(x), as_tensor(other)
    dtype = result_dtype(a, b)
    broadcast_operands(condition, a, b)
    value = np.where(condition.array, cast_operand(a, dtype), cast_operand(b, dtype))
    rules: list[GradientRule] = [lambda g: None, lambda g: where(condition, g, 0.0), lambda g: where(condition, 0.0, g)]
    return record("where", value, (condition, a, b), rules, (condition,))


where = check_arguments(where)


@method
def masked_fill(x: Tensor, mask: Tensor, value: Operand) -> Tensor:
    """Return the value where the mask is true, else x."""
    value = as_tensor(value)
    if mask.dtype != dtypes.bool:
        fail(f"masked_fill: the mask is {mask.dtype}; expected truth values, such as x > 0")
    if value.ndim:
        fail(f"masked_fill: the value is one number, not an array {shape_of(value)}")
    if rank(value.dtype) > rank(x.dtype):
        fail(f"masked_fill: the value {value.tolist()} of {value.dtype} does not fit into an array of {x.dtype}")
    return where(mask, value.to(x.dtype), x)


@method
def clamp(x: Tensor, min: Operand | None = None, max: Operand | None = None) -> Tensor:
    """Return x limited to the range from `min` to `max`; outside it the gradient is 0."""
    if min is None and max is None:
        fail("clamp needs a lowest or a highest value, min or max, or both")
    if len({isinstance(b, Tensor) for b in (min, max) if b is not None}) > 1:
        fail("clamp(): the arguments 'min' and 'max' are both arrays or both numbers")
    if x.dtype == dtypes.bool and not any(isinstance(b, float) for b in (min, max)):
        fail("clamp() between 'min' and 'max' is not for truth values; say x.int() first")
    low = as_tensor(-np.inf if min is None else min)
    high = as_tensor(np.inf if max is None else max)
    bounds = [as_tensor(b) for b in (min, max) if b is not None]
    (_, low, high), (numbers, *_) = broadcast_operands(x, low, high, dtype=result_dtype(x, *bounds))
    value = numbers
    for bound, function in ((min, np.maximum), (max, np.minimum)):
        if bound is not None:
            value = function(value, cast_operand(as_tensor(bound), value.dtype))
    inside = lambda: (x >= low) & (x <= high)
    rules = (
        lambda g: where(inside(), g, 0.0),
        lambda g: where((x < low) & (low < high), g, 0.0),
        lambda g: where((x > high) | (low > high), g, 0.0),
    )
    return record("clamp", value, (x, low, high), rules, (x, low, high))


@method
def maximum(x: Tensor, other: Tensor) -> Tensor:
    """Return the element-wise maximum; where both are equal, each gets half of the gradient."""
    return record_binary(
        "maximum", np.maximum, x, other, lambda a, b: (_wins(a, b, a < b), _wins(a, b, a > b)), "ab,ab"
    )


@method
def minimum(x: Tensor, other: Tensor) -> Tensor:
    """Return the element-wise minimum; where both are equal, each gets half of the gradient."""
    return record_binary(
        "minimum", np.minimum, x, other, lambda a, b: (_wins(a, b, a > b), _wins(a, b, a < b)), "ab,ab"
    )


def _wins(a: Tensor, b: Tensor, lost: Tensor) -> Callable:
    return lambda g: where(a == b, g / 2, where(lost, 0.0, g))
