"""Operations that treat each number by itself: arithmetic, functions of one number, comparison, choice."""

from collections.abc import Callable

import numpy as np

from lingon.scratch import dtypes
from lingon.scratch.blame import fail, operands
from lingon.scratch.slopes import SLOPES
from lingon.scratch.tensor import Tensor, as_tensor, method, record, result_dtype, shown

Number = float | int | bool
Operand = Tensor | np.ndarray | Number


def _meet(*operands_: Operand, dtype: np.dtype | None = None) -> tuple[list[Tensor], list[np.ndarray]]:
    """The operands as arrays, and their numbers in the one dtype that they meet in. Raises when shapes do not fit."""
    xs = [as_tensor(x) for x in operands_]
    try:
        np.broadcast_shapes(*(x.shape for x in xs))
    except ValueError:
        fail(f"shapes do not fit: {operands(*map(shown, xs))}; from the right, each two must be equal or one of them 1")
    dtype = dtype or result_dtype(*xs)
    return xs, [_cast(x, dtype) for x in xs]


def _cast(x: Tensor, dtype: np.dtype) -> np.ndarray:
    if x.number and dtype.kind in "iu" and x.array.dtype.kind in "iuO":
        limits = np.iinfo(dtype)
        if not limits.min <= int(x.array) <= limits.max:
            fail(f"the number {x.array} is too large for {dtype}")
    return x.array.astype(dtype, copy=False)


def _binary(name: str, function: Callable, a: Operand, b: Operand, rules: Callable, saved: str = "") -> Tensor:
    """A step with two inputs. saved: which of "a" and "b" the rule of a, then that of b, needs: "b,a" for a * b."""
    (a, b), (left, right) = _meet(a, b)
    with np.errstate(all="ignore"):
        value = function(left, right)
    needed = [n for x, n in zip((a, b), saved.split(","), strict=False) if x.requires_grad]
    kept = [x for x, letter in ((a, "a"), (b, "b")) if any(letter in n for n in needed)]
    return record(name, value, (a, b), rules(a, b), kept)


def add(a: Operand, b: Operand, *, alpha: Number = 1) -> Tensor:
    """a + alpha * b."""
    return _binary("add", np.add, a, b if alpha == 1 else mul(b, alpha), lambda a, b: (lambda g: g, lambda g: g))


def sub(a: Operand, b: Operand, *, alpha: Number = 1) -> Tensor:
    """a - alpha * b."""
    if dtypes.bool in (as_tensor(a).dtype, as_tensor(b).dtype):
        fail("truth values cannot be subtracted; use a ^ b, or logical_not(a)")
    return _binary("sub", np.subtract, a, b if alpha == 1 else mul(b, alpha), lambda a, b: (lambda g: g, lambda g: -g))


def mul(a: Operand, b: Operand) -> Tensor:
    """a * b: each is the other's slope."""
    return _binary("mul", np.multiply, a, b, lambda a, b: (lambda g: g * b, lambda g: g * a), "b,a")


def div(a: Operand, b: Operand) -> Tensor:
    """a / b. Whole numbers become floating ones."""
    if result_dtype(as_tensor(a), as_tensor(b)).kind != "f":
        a = as_tensor(a).to(dtypes.DEFAULT)
    return _binary("div", np.divide, a, b, lambda a, b: (lambda g: g / b, lambda g: -g * a / (b * b)), "b,ab")


def pow(a: Operand, b: Operand) -> Tensor:
    """a to the power of b."""
    if isinstance(b, Number) and isinstance(a, Tensor):
        return _power(a, b)
    (x, y), _ = _meet(a, b)
    if result_dtype(x, y).kind != "f" and (y.array < 0).any():
        fail("whole numbers have no negative powers; say float() first")
    return _binary("pow", np.power, a, b, lambda a, b: (_base(a, b), _exponent(a, b)), "ab,ab")


def _power(a: Tensor, n: Number) -> Tensor:
    if a.dtype.kind != "f" and isinstance(n, int) and n < 0:
        fail("whole numbers have no negative powers; say float() first")
    if n == 0:
        rule = lambda g: g * 0
    else:
        rule = lambda g: g * (n * pow(a, n - 1)) if n != 1 else g
    (x, _), (base, exponent) = _meet(a, n)
    with np.errstate(all="ignore"):
        value = np.square(base) if n == 2 and base.dtype.kind != "b" else np.power(base, exponent)
    return record("pow", value, (x,), (rule,), (x,) if n not in (0, 1) else ())


def _base(a: Tensor, b: Tensor) -> Callable:
    return lambda g: where(b == 0, 0.0, g * (b * pow(a, b - 1)))


def _exponent(a: Tensor, b: Tensor) -> Callable:
    # 0 to the power of anything above 0 stays 0: no slope, where the formula has 0 * log(0).
    return lambda g: where((a == 0) & (b >= 0), 0.0, g * (pow(a, b) * as_tensor(a).to(g.dtype).log()))


def floor_divide(a: Operand, b: Operand) -> Tensor:
    """a / b rounded down."""
    _no_zero(a, b)
    _, (left, right) = _meet(a, b)
    with np.errstate(all="ignore"):
        return Tensor(np.floor_divide(left, right))


def remainder(a: Operand, b: Operand) -> Tensor:
    """What is left of a / b rounded down; it has the sign of b."""
    _no_zero(a, b)
    rules = lambda a, b: (lambda g: g, lambda g: -g * floor_divide(a, b))
    return _binary("remainder", np.remainder, a, b, rules, ",ab")


def _no_zero(a: Operand, b: Operand) -> None:
    if result_dtype(as_tensor(a), as_tensor(b)).kind != "f" and not as_tensor(b).array.all():
        fail(f"whole numbers cannot be divided by 0: {operands(shown(as_tensor(a)), shown(as_tensor(b)))}")


def maximum(a: Operand, b: Operand) -> Tensor:
    """The larger of each two; where they are equal, each gets half of the gradient."""
    return _binary("maximum", np.maximum, a, b, lambda a, b: (_wins(a, b, a > b), _wins(a, b, b > a)), "ab,ab")


def minimum(a: Operand, b: Operand) -> Tensor:
    """The smaller of each two; where they are equal, each gets half of the gradient."""
    return _binary("minimum", np.minimum, a, b, lambda a, b: (_wins(a, b, a < b), _wins(a, b, b < a)), "ab,ab")


def _wins(a: Tensor, b: Tensor, won: Tensor) -> Callable:
    return lambda g: where(a == b, g / 2, where(won, g, 0.0))


def where(condition: Tensor, a: Operand, b: Operand) -> Tensor:
    """a where the condition is true, else b."""
    condition = as_tensor(condition)
    if condition.dtype != dtypes.bool:
        fail(f"the condition of where is {condition.dtype}; expected truth values, such as x > 0")
    a, b = as_tensor(a), as_tensor(b)
    dtype = result_dtype(a, b)
    _meet(condition, a, b)
    value = np.where(condition.array, _cast(a, dtype), _cast(b, dtype))
    rules = (lambda g: None, lambda g: where(condition, g, 0.0), lambda g: where(condition, 0.0, g))
    return record("where", value, (condition, a, b), rules, (condition,))


def masked_fill(x: Tensor, mask: Tensor, value: Number) -> Tensor:
    """The value where the mask is true, else x."""
    return where(mask, as_tensor(value).to(x.dtype), x)


def clamp(x: Tensor, min: Operand | None = None, max: Operand | None = None) -> Tensor:
    """x, but not below `min` and not above `max`; outside there is no gradient."""
    if min is None and max is None:
        fail("clamp needs a lowest or a highest value, or both")
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
    """The function of that name in the table of slopes."""
    rule = SLOPES[name]

    def function(x: Tensor) -> Tensor:
        x = as_tensor(x)
        numbers = x.array
        if rule.whole and numbers.dtype.kind == "b" and name in ("neg", "sign"):
            fail(f"{name} of truth values; use logical_not, or say float() first")
        if numbers.dtype.kind != "f" and not rule.whole:
            numbers = numbers.astype(dtypes.DEFAULT)
        with np.errstate(all="ignore"):
            value = rule.value(numbers).astype(numbers.dtype, copy=False)
        return record(name, value, (x,), (lambda g: g * rule.slope(x),), (x,))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{name}(x) of each number; its slope is {rule.written}."
    return method(function)


neg, exp, expm1, log, log1p = map(_one, ("neg", "exp", "expm1", "log", "log1p"))
sqrt, square, reciprocal, abs = map(_one, ("sqrt", "square", "reciprocal", "abs"))
sin, cos, tan, sinh, cosh, atan = map(_one, ("sin", "cos", "tan", "sinh", "cosh", "atan"))
tanh, sigmoid, softplus, relu = map(_one, ("tanh", "sigmoid", "softplus", "relu"))
sign, floor, ceil, round, trunc = map(_one, ("sign", "floor", "ceil", "round", "trunc"))


def _compare(name: str, function: Callable, meet: bool = True) -> Callable[[Operand, Operand], Tensor]:
    def compare(a: Operand, b: Operand) -> Tensor:
        _, (left, right) = _meet(a, b, dtype=None if meet else dtypes.bool)
        return Tensor(function(left, right))

    compare.__name__ = compare.__qualname__ = name
    compare.__doc__ = f"{name} of each two, as truth values."
    return method(compare)


eq, ne = _compare("eq", np.equal), _compare("ne", np.not_equal)
lt, le = _compare("lt", np.less), _compare("le", np.less_equal)
gt, ge = _compare("gt", np.greater), _compare("ge", np.greater_equal)
logical_and = _compare("logical_and", np.logical_and, meet=False)
logical_or = _compare("logical_or", np.logical_or, meet=False)
logical_xor = _compare("logical_xor", np.logical_xor, meet=False)


def _bits(name: str, function: Callable) -> Callable[[Operand, Operand], Tensor]:
    def combine(a: Operand, b: Operand) -> Tensor:
        _, (left, right) = _meet(a, b)
        if left.dtype.kind == "f":
            fail(f"{name} is for truth values and whole numbers, not for {left.dtype}")
        return Tensor(function(left, right))

    combine.__name__ = combine.__qualname__ = name
    combine.__doc__ = f"{name} of each two, bit by bit."
    return method(combine)


bitwise_and, bitwise_or = _bits("bitwise_and", np.bitwise_and), _bits("bitwise_or", np.bitwise_or)
bitwise_xor = _bits("bitwise_xor", np.bitwise_xor)


@method
def logical_not(x: Tensor) -> Tensor:
    """True where x is 0 or false."""
    return Tensor(np.logical_not(x.array))


@method
def bitwise_not(x: Tensor) -> Tensor:
    """Truth values turned round; of whole numbers every bit."""
    if x.dtype.kind == "f":
        fail(f"~ is for truth values and whole numbers, not for {x.dtype}")
    return Tensor(np.invert(x.array))


@method
def isnan(x: Tensor) -> Tensor:
    """True where x is not a number."""
    return Tensor(np.isnan(x.array))


@method
def isinf(x: Tensor) -> Tensor:
    """True where x is infinite."""
    return Tensor(np.isinf(x.array))


@method
def isfinite(x: Tensor) -> Tensor:
    """True where x is a number and not infinite."""
    return Tensor(np.isfinite(x.array))


@method
def to(x: Tensor, dtype: np.dtype | str | Tensor) -> Tensor:
    """The numbers in another dtype; "cpu" is where they are anyway. Gradients come back in the old dtype."""
    if dtype == "cpu":
        return x
    dtype = dtype.dtype if isinstance(dtype, Tensor) else dtype
    if dtype not in dtypes.KNOWN:
        fail(f"to({dtype!r}): expected one of {', '.join(map(str, dtypes.KNOWN))}, or 'cpu'")
    if x.dtype == dtype and not x.number:
        return x
    with np.errstate(all="ignore"):
        return record("to", x.array.astype(dtype), (x,), (lambda g: g,))


for _function in (add, sub, mul, div, pow, floor_divide, remainder, maximum, minimum, masked_fill, clamp):
    method(_function)
true_divide = divide = Tensor.true_divide = Tensor.divide = div
