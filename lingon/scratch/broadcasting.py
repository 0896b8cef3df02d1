"""Broadcasting of operands to a common shape and dtype, and recording of binary operations."""

from collections.abc import Callable

import numpy as np

from lingon.scratch.dimensions import shape_of
from lingon.scratch.error_context import fail, operands
from lingon.scratch.operands import Operand, as_tensor, result_dtype
from lingon.scratch.record import record
from lingon.scratch.tensor import Tensor


def broadcast_operands(*operands_: Operand, dtype: np.dtype | None = None) -> tuple[list[Tensor], list[np.ndarray]]:
    """Return operands as arrays, and their values in the common dtype. Raises MathError when shapes do not fit."""
    xs = [as_tensor(x) for x in operands_]
    try:
        np.broadcast_shapes(*(x.shape for x in xs))
    except ValueError:
        fail(
            f"shapes do not fit: {operands(*map(shape_of, xs))}; "
            "from the right, each two must be equal or one of them 1"
        )
    dtype = dtype or result_dtype(*xs)
    return xs, [cast_operand(x, dtype) for x in xs]


def cast_operand(x: Tensor, dtype: np.dtype) -> np.ndarray:
    """Return the values of an operand in a dtype. Raises MathError for a Python number that is too large for it."""
    if x.number and dtype.kind in "iu" and x.array.dtype.kind in "iuO":
        limits = np.iinfo(dtype)
        if not limits.min <= int(x.array) <= limits.max:
            fail(f"the number {x.array} is too large for {dtype}")
    return x.array.astype(dtype, copy=False)


def record_binary(name: str, function: Callable, a: Operand, b: Operand, rules: Callable, saved: str = "") -> Tensor:
    """Record a step with two inputs. saved: which of "a" and "b" the rules of a and of b need: "b,a" for a * b."""
    (a, b), (left, right) = broadcast_operands(a, b)
    with np.errstate(all="ignore"):
        value = function(left, right)
    needed = [n for x, n in zip((a, b), saved.split(","), strict=False) if x.requires_grad]
    kept = [x for x, letter in ((a, "a"), (b, "b")) if any(letter in n for n in needed)]
    return record(name, value, (a, b), rules(a, b), kept)
