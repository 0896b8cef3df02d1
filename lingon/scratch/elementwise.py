"""Operations that treat each number by itself: arithmetic, functions of one number, choice."""

from collections.abc import Callable

import numpy as np

from lingon.scratch import dtypes
from lingon.scratch.arguments import Number, argument_type, as_number, check_arguments
from lingon.scratch.arguments import as_dtype as dtype_of
from lingon.scratch.derivative_table import DERIVATIVES
from lingon.scratch.dimensions import shape_of
from lingon.scratch.dtypes import rank
from lingon.scratch.error_context import ArrayTypeError, fail, operands
from lingon.scratch.node import GradientRule
from lingon.scratch.operands import Operand, as_tensor, result_dtype
from lingon.scratch.record import method, record
from lingon.scratch.tensor import Tensor

DTypeLike = np.dtype | str | Tensor | None
argument_type(
    DTypeLike, f"one of {', '.join(map(str, dtypes.KNOWN))}, 'cpu' or an array", dtype_of, str, Tensor, type(None)
)
argument_type(Operand | None, "an array, a number or None", as_number, Tensor, float, int, bool, type(None))


def _meet(*operands_: Operand, dtype: np.dtype | None = None) -> tuple[list[Tensor], list[np.ndarray]]:
    """Return operands as arrays, and their numbers in the dtype that they meet in. Raises when shapes do not fit."""
    xs = [as_tensor(x) for x in operands_]
    try:
        np.broadcast_shapes(*(x.shape for x in xs))
    except ValueError:
        fail(
            f"shapes do not fit: {operands(*map(shape_of, xs))}; "
            "from the right, each two must be equal or one of them 1"
        )
    dtype = dtype or result_dtype(*xs)
    return xs, [_cast(x, dtype) for x in xs]


def _cast(x: Tensor, dtype: np.dtype) -> np.ndarray:
    if x.number and dtype.kind in "iu" and x.array.dtype.kind in "iuO":
        limits = np.iinfo(dtype)
        if not limits.min <= int(x.array) <= limits.max:
            fail(f"the number {x.array} is too large for {dtype}")
    return x.array.astype(dtype, copy=False)


def _binary(name: str, function: Callable, a: Operand, b: Operand, rules: Callable, saved: str = "") -> Tensor:
    """Record a step with two inputs. saved: which of "a" and "b" the rules of a and of b need: "b,a" for a * b."""
    (a, b), (left, right) = _meet(a, b)
    with np.errstate(all="ignore"):
        value = function(left, right)
    needed = [n for x, n in zip((a, b), saved.split(","), strict=False) if x.requires_grad]
    kept = [x for x, letter in ((a, "a"), (b, "b")) if any(letter in n for n in needed)]
    return record(name, value, (a, b), rules(a, b), kept)


@method
def add(x: Tensor, other: Operand, *, alpha: Number = 1) -> Tensor:
    """Return x + alpha * other."""
    other = _times("add", x, other, alpha)
    return _binary("add", np.add, x, other, lambda a, b: (lambda g: g, lambda g: g))


@method
def sub(x: Tensor, other: Operand, *, alpha: Number = 1) -> Tensor:
    """Return x - alpha * other."""
    if dtypes.bool in (as_tensor(x).dtype, as_tensor(other).dtype):
        fail("sub: truth values cannot be subtracted; use a ^ b, or logical_not(a)")
    other = _times("sub", x, other, alpha)
    return _binary("sub", np.subtract, x, other, lambda a, b: (lambda g: g, lambda g: -g))


def _times(name: str, x: Operand, other: Operand, alpha: Number) -> Operand:
    """Return alpha * other, which may not make a floating result of whole operands."""
    letter = result_dtype(as_tensor(x), as_tensor(other)).kind
    if (isinstance(alpha, float) and letter != "f") or (isinstance(alpha, bool) and letter != "b"):
        fail(f"{name}(): alpha={alpha!r} does not fit operands of another kind; expected a number like theirs")
    return other if alpha == 1 else mul(as_tensor(other), alpha)


@method
def mul(x: Tensor, other: Operand) -> Tensor:
    """Return x * other: each is the other's derivative."""
    return _binary("mul", np.multiply, x, other, lambda a, b: (lambda g: g * b, lambda g: g * a), "b,a")


@method
def div(x: Tensor, other: Operand) -> Tensor:
    """Return x / other. Whole numbers become floating ones."""
    if result_dtype(as_tensor(x), as_tensor(other)).kind != "f":
        x = as_tensor(x).to(dtypes.DEFAULT)
    return _binary("div", np.divide, x, other, lambda a, b: (lambda g: g / b, lambda g: -g * a / (b * b)), "b,ab")


@method
def pow(x: Operand, exponent: Operand) -> Tensor:
    """Return x to the power of the exponent; one of them may be a number."""
    if isinstance(exponent, Number) and isinstance(x, Tensor):
        return _power(x, exponent)
    (a, b), _ = _meet(x, exponent)
    dtype = result_dtype(a, b)
    if dtype.kind == "b":
        fail("pow of truth values; say x.int() first")
    if dtype.kind != "f" and (b.array < 0).any():
        fail("pow: whole numbers have no negative powers, so the exponent must be 0 or more; say float() first")
    return _binary("pow", _numpy_power, x, exponent, lambda a, b: (_base(a, b), _exponent(a, b)), "ab,ab")


def _numpy_power(base: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    return base | ~exponent if base.dtype.kind == "b" else np.power(base, exponent)


def _power(a: Tensor, n: Number) -> Tensor:
    if a.dtype.kind != "f" and isinstance(n, int) and n < 0:
        fail(f"pow: whole numbers have no negative powers, so the exponent {n} does not do; say float() first")
    if n == 0:
        rule = lambda g: g * 0
    else:
        rule = lambda g: g * (n * _power(a, n - 1)) if n != 1 else g
    (x, _), (base, exponent) = _meet(a, n)
    with np.errstate(all="ignore"):
        value = np.square(base) if n == 2 and base.dtype.kind != "b" else _numpy_power(base, exponent)
    return record("pow", value, (x,), (rule,), (x,) if n not in (0, 1) else ())


def _base(a: Tensor, b: Tensor) -> Callable:
    return lambda g: where(b == 0, 0.0, g * (b * (a ** (b - 1))))


def _exponent(a: Tensor, b: Tensor) -> Callable:
    # 0 to the power of anything above 0 stays 0: no slope, where the formula has 0 * log(0).
    return lambda g: where((a == 0) & (b >= 0), 0.0, g * ((a**b) * a.to(g.dtype).log()))


@method
def floor_divide(x: Tensor, other: Operand) -> Tensor:
    """Return x / other rounded down, a step function, whose gradient nobody may ask for."""
    value = _floor_divide(x, other)
    none = lambda g: fail("floor_divide has no gradient; say x.detach() first")
    return record("floor_divide", value.array, (as_tensor(x), as_tensor(other)), (none, none))


def _floor_divide(a: Operand, b: Operand) -> Tensor:
    _no_zero("floor_divide", a, b)
    _, (left, right) = _meet(a, b)
    with np.errstate(all="ignore"):
        return Tensor(np.floor_divide(left, right))


@method
def remainder(x: Operand, other: Operand) -> Tensor:
    """Return what is left of x / other rounded down; it has the sign of `other`."""
    _no_zero("remainder", x, other)
    rules = lambda a, b: (lambda g: g, lambda g: -g * _floor_divide(a, b))
    return _binary("remainder", np.remainder, x, other, rules, ",ab")


def _no_zero(name: str, a: Operand, b: Operand) -> None:
    dtype = result_dtype(as_tensor(a), as_tensor(b))
    if dtype.kind == "b":
        fail(f"{name} of truth values; say x.int() first")
    if dtype.kind != "f" and not as_tensor(b).array.all():
        pair = operands(shape_of(as_tensor(a)), shape_of(as_tensor(b)))
        fail(f"{name}: whole numbers cannot be divided by 0: {pair}")


@method
def maximum(x: Tensor, other: Tensor) -> Tensor:
    """Return the larger of each two; where they are equal, each gets half of the gradient."""
    return _binary("maximum", np.maximum, x, other, lambda a, b: (_wins(a, b, a < b), _wins(a, b, a > b)), "ab,ab")


@method
def minimum(x: Tensor, other: Tensor) -> Tensor:
    """Return the smaller of each two; where they are equal, each gets half of the gradient."""
    return _binary("minimum", np.minimum, x, other, lambda a, b: (_wins(a, b, a > b), _wins(a, b, a < b)), "ab,ab")


def _wins(a: Tensor, b: Tensor, lost: Tensor) -> Callable:
    return lambda g: where(a == b, g / 2, where(lost, 0.0, g))


def where(condition: Tensor, x: Operand, other: Operand) -> Tensor:
    """Return x where the condition is true, else `other`."""
    condition = as_tensor(condition)
    if condition.dtype != dtypes.bool:
        fail(f"the condition of where is {condition.dtype}; expected truth values, such as x > 0")
    a, b = as_tensor(x), as_tensor(other)
    dtype = result_dtype(a, b)
    _meet(condition, a, b)
    value = np.where(condition.array, _cast(a, dtype), _cast(b, dtype))
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
    """Return x, but not below `min` and not above `max`; outside there is no gradient."""
    if min is None and max is None:
        fail("clamp needs a lowest or a highest value, min or max, or both")
    if len({isinstance(b, Tensor) for b in (min, max) if b is not None}) > 1:
        fail("clamp(): the arguments 'min' and 'max' are both arrays or both numbers")
    if x.dtype == dtypes.bool and not any(isinstance(b, float) for b in (min, max)):
        fail("clamp() between 'min' and 'max' is not for truth values; say x.int() first")
    low = as_tensor(-np.inf if min is None else min)
    high = as_tensor(np.inf if max is None else max)
    bounds = [as_tensor(b) for b in (min, max) if b is not None]
    (_, low, high), (numbers, *_) = _meet(x, low, high, dtype=result_dtype(x, *bounds))
    value = numbers
    for bound, function in ((min, np.maximum), (max, np.minimum)):
        if bound is not None:
            value = function(value, _cast(as_tensor(bound), value.dtype))
    inside = lambda: (x >= low) & (x <= high)
    rules = (
        lambda g: where(inside(), g, 0.0),
        lambda g: where((x < low) & (low < high), g, 0.0),
        lambda g: where((x > high) | (low > high), g, 0.0),
    )
    return record("clamp", value, (x, low, high), rules, (x, low, high))


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
    function.__doc__ = f"{name}(x) of each number; its derivative is {rule.formula}."
    return method(function)


neg, exp, expm1, log, log1p = map(_one, ("neg", "exp", "expm1", "log", "log1p"))
sqrt, square, reciprocal, abs = map(_one, ("sqrt", "square", "reciprocal", "abs"))
sin, cos, tan, sinh, cosh, atan = map(_one, ("sin", "cos", "tan", "sinh", "cosh", "atan"))
tanh, sigmoid, softplus, relu = map(_one, ("tanh", "sigmoid", "softplus", "relu"))
sign, floor, ceil, round, trunc = map(_one, ("sign", "floor", "ceil", "round", "trunc"))


@method
def to(x: Tensor, dtype: DTypeLike = None, *, copy: bool = False, device: str | None = None) -> Tensor:
    """Convert to another dtype; "cpu" is where the numbers are anyway. Gradients come back in the old dtype."""
    place = dtype if isinstance(dtype, str) else device
    if place not in (None, "cpu"):
        fail(
            f"to({place!r}): the device is 'cpu' here; a dtype is written without quotes, as in to(float32)",
            ArrayTypeError,
        )
    wanted = dtype.dtype if isinstance(dtype, Tensor) else x.dtype if dtype is None or isinstance(dtype, str) else dtype
    if x.dtype == wanted and not x.number and not copy:
        return x
    with np.errstate(all="ignore"):
        return record("to", x.array.astype(wanted), (x,), (lambda g: g,))


true_divide = divide = Tensor.true_divide = Tensor.divide = div  # type: ignore[method-assign]
