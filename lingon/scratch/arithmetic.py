"""Arithmetic of two operands: sums, products, quotients, powers, remainders."""

from collections.abc import Callable

import numpy as np

from lingon.scratch import dtypes
from lingon.scratch.arguments import Number
from lingon.scratch.broadcasting import broadcast_operands, record_binary
from lingon.scratch.choice import where
from lingon.scratch.dimensions import shape_of
from lingon.scratch.error_context import fail, operands
from lingon.scratch.operands import Operand, as_tensor, result_dtype
from lingon.scratch.record import method, record
from lingon.scratch.tensor import Tensor


@method
def add(x: Tensor, other: Operand, *, alpha: Number = 1) -> Tensor:
    """Return x + alpha * other."""
    other = _times("add", x, other, alpha)
    return record_binary("add", np.add, x, other, lambda a, b: (lambda g: g, lambda g: g))


@method
def sub(x: Tensor, other: Operand, *, alpha: Number = 1) -> Tensor:
    """Return x - alpha * other."""
    if dtypes.bool in (as_tensor(x).dtype, as_tensor(other).dtype):
        fail("sub: truth values cannot be subtracted; use a ^ b, or logical_not(a)")
    other = _times("sub", x, other, alpha)
    return record_binary("sub", np.subtract, x, other, lambda a, b: (lambda g: g, lambda g: -g))


def _times(name: str, x: Operand, other: Operand, alpha: Number) -> Operand:
    """Return alpha * other; alpha must not turn integer operands into floating-point ones."""
    letter = result_dtype(as_tensor(x), as_tensor(other)).kind
    if (isinstance(alpha, float) and letter != "f") or (isinstance(alpha, bool) and letter != "b"):
        fail(f"{name}(): alpha={alpha!r} does not fit operands of another kind; expected a number like theirs")
    return other if alpha == 1 else mul(as_tensor(other), alpha)


@method
def mul(x: Tensor, other: Operand) -> Tensor:
    """Return x * other: each is the other's derivative."""
    return record_binary("mul", np.multiply, x, other, lambda a, b: (lambda g: g * b, lambda g: g * a), "b,a")


@method
def div(x: Tensor, other: Operand) -> Tensor:
    """Return x / other; integers are converted to floating point."""
    if result_dtype(as_tensor(x), as_tensor(other)).kind != "f":
        x = as_tensor(x).to(dtypes.DEFAULT)
    return record_binary("div", np.divide, x, other, lambda a, b: (lambda g: g / b, lambda g: -g * a / (b * b)), "b,ab")


@method
def pow(x: Operand, exponent: Operand) -> Tensor:
    """Return x to the power of the exponent; one of them may be a number."""
    if isinstance(exponent, Number) and isinstance(x, Tensor):
        return _power(x, exponent)
    (a, b), _ = broadcast_operands(x, exponent)
    dtype = result_dtype(a, b)
    if dtype.kind == "b":
        fail("pow of truth values; say x.int() first")
    if dtype.kind != "f" and (b.array < 0).any():
        fail("pow: whole numbers have no negative powers, so the exponent must be 0 or more; say float() first")
    return record_binary("pow", _numpy_power, x, exponent, lambda a, b: (_base(a, b), _exponent(a, b)), "ab,ab")


def _numpy_power(base: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    return base | ~exponent if base.dtype.kind == "b" else np.power(base, exponent)


def _power(a: Tensor, n: Number) -> Tensor:
    if a.dtype.kind != "f" and isinstance(n, int) and n < 0:
        fail(f"pow: whole numbers have no negative powers, so the exponent {n} does not do; say float() first")
    if n == 0:
        rule = lambda g: g * 0
    else:
        rule = lambda g: g * (n * _power(a, n - 1)) if n != 1 else g
    (x, _), (base, exponent) = broadcast_operands(a, n)
    with np.errstate(all="ignore"):
        value = np.square(base) if n == 2 and base.dtype.kind != "b" else _numpy_power(base, exponent)
    return record("pow", value, (x,), (rule,), (x,) if n not in (0, 1) else ())


def _base(a: Tensor, b: Tensor) -> Callable:
    return lambda g: where(b == 0, 0.0, g * (b * (a ** (b - 1))))


def _exponent(a: Tensor, b: Tensor) -> Callable:
    # 0 to any positive power stays 0: the derivative is 0, where the formula has 0 * log(0).
    return lambda g: where((a == 0) & (b >= 0), 0.0, g * ((a**b) * a.to(g.dtype).log()))


@method
def floor_divide(x: Tensor, other: Operand) -> Tensor:
    """Return x / other rounded down, a step function; its gradient is an error."""
    value = _floor_divide(x, other)
    none = lambda g: fail("floor_divide has no gradient; say x.detach() first")
    return record("floor_divide", value.array, (as_tensor(x), as_tensor(other)), (none, none))


def _floor_divide(a: Operand, b: Operand) -> Tensor:
    _no_zero("floor_divide", a, b)
    _, (left, right) = broadcast_operands(a, b)
    with np.errstate(all="ignore"):
        return Tensor(np.floor_divide(left, right))


@method
def remainder(x: Operand, other: Operand) -> Tensor:
    """Return the remainder of x / other rounded down; it has the sign of `other`."""
    _no_zero("remainder", x, other)
    rules = lambda a, b: (lambda g: g, lambda g: -g * _floor_divide(a, b))
    return record_binary("remainder", np.remainder, x, other, rules, ",ab")


def _no_zero(name: str, a: Operand, b: Operand) -> None:
    dtype = result_dtype(as_tensor(a), as_tensor(b))
    if dtype.kind == "b":
        fail(f"{name} of truth values; say x.int() first")
    if dtype.kind != "f" and not as_tensor(b).array.all():
        pair = operands(shape_of(as_tensor(a)), shape_of(as_tensor(b)))
        fail(f"{name}: whole numbers cannot be divided by 0: {pair}")


true_divide = divide = Tensor.true_divide = Tensor.divide = div  # type: ignore[method-assign]
