"""The vocabulary of programs: functions of expressions, named as in NumPy and PyTorch."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lingon.core.errors import UserError
from lingon.program.expression import Expression, apply_operator, as_expression, constant, reduce
from lingon.program.plain_values import shape_tuple


def _one(op: str, what: str) -> Callable[[Any], Expression]:
    def function(x: Any) -> Expression:
        return apply_operator(op, [x])

    function.__name__ = function.__qualname__ = op
    function.__doc__ = f"{what}, element by element."
    return function


def _two(op: str, what: str) -> Callable[[Any, Any], Expression]:
    def function(x: Any, y: Any) -> Expression:
        return apply_operator(op, [x, y])

    function.__name__ = function.__qualname__ = op
    function.__doc__ = f"{what}, element by element."
    return function


exp, expm1 = _one("exp", "e to the x"), _one("expm1", "exp(x) - 1, exact near 0")
log, log1p = _one("log", "The natural logarithm"), _one("log1p", "log(1 + x), exact near 0")
sqrt, square = _one("sqrt", "The square root"), _one("square", "x times x")
sin, cos, tan = _one("sin", "The sine"), _one("cos", "The cosine"), _one("tan", "The tangent")
sinh, cosh, tanh = _one("sinh", "The hyperbolic sine"), _one("cosh", "Its cosine"), _one("tanh", "Its tangent")
arctan = _one("arctan", "The inverse of the tangent")
absolute, sign = _one("absolute", "The absolute value"), _one("sign", "-1, 0 or 1")
floor, ceil, rint = (
    _one("floor", "Rounded down"),
    _one("ceil", "Rounded up"),
    _one("rint", "Rounded to the nearest, halves to even"),
)
sigmoid, relu = _one("sigmoid", "1 / (1 + exp(-x))"), _one("relu", "max(x, 0)")
isnan, isinf, isfinite = (
    _one("isnan", "Whether it is NaN"),
    _one("isinf", "Whether it is infinite"),
    _one("isfinite", "Whether it is neither"),
)
logical_not = _one("logical_not", "Whether it is zero")
logical_and, logical_or = (
    _two("logical_and", "Whether both are not zero"),
    _two("logical_or", "Whether one is not zero"),
)
maximum, minimum = _two("maximum", "The larger of two"), _two("minimum", "The smaller of two")
power, matmul = _two("power", "x to the y"), _two("matmul", "The matrix product, as in np.matmul; not")


def detach(x: Any) -> Expression:
    """Return x, for which no gradient is computed."""
    return apply_operator("detach", [x])


def where(condition: Any, x: Any, y: Any) -> Expression:
    """Return x where the condition holds, else y. Gradients flow only to the selected elements."""
    return apply_operator("where", [condition, x, y])


def masked_fill(x: Any, mask: Any, value: float) -> Expression:
    """Return x with `value` where the mask is True."""
    return where(mask, value, x)


def clip(x: Any, low: Any, high: Any) -> Expression:
    """Return x limited to the range from `low` to `high`."""
    return minimum(maximum(x, low), high)


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Expression:
    """Return the sum over axes."""
    return reduce("sum", x, axis, keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Expression:
    """Return the mean over axes."""
    return reduce("mean", x, axis, keepdims)


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Expression:
    """Return the maximum over axes; the gradient is divided evenly among equal maxima."""
    return reduce("max", x, axis, keepdims)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Expression:
    """Return the minimum over axes; the gradient is divided evenly among equal minima."""
    return reduce("min", x, axis, keepdims)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Expression:
    """Return whether any element is nonzero, over axes."""
    return reduce("any", x, axis, keepdims)


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Expression:
    """Return whether all elements are nonzero, over axes."""
    return reduce("all", x, axis, keepdims)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Expression:
    """Return the variance over axes, as np.var (torch.var divides by n - 1 instead)."""
    return mean(square(as_expression(x) - mean(x, axis, True)), axis, keepdims)


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Expression:
    """Return the index of the first maximum."""
    return apply_operator("argmax", [x], {"axis": axis, "keepdims": bool(keepdims)})


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Expression:
    """Return the index of the first minimum."""
    return apply_operator("argmin", [x], {"axis": axis, "keepdims": bool(keepdims)})


def cumsum(x: Any, axis: int = -1) -> Expression:
    """Return cumulative sums along an axis."""
    return apply_operator("cumsum", [x], {"axis": axis})


def softmax(x: Any, axis: int = -1) -> Expression:
    """Return exp(x) divided by its sum along an axis, without overflow."""
    return apply_operator("softmax", [x], {"axis": axis})


def log_softmax(x: Any, axis: int = -1) -> Expression:
    """Return the logarithm of softmax, without overflow."""
    return apply_operator("log_softmax", [x], {"axis": axis})


def logsumexp(x: Any, axis: int = -1, keepdims: bool = False) -> Expression:
    """Return log(sum(exp(x))), without overflow."""
    top = detach(max(x, axis, True))
    top = where(isfinite(top), top, 0)
    found = log(sum(exp(as_expression(x) - top), axis, True)) + top
    return found if keepdims else sum(found, axis)  # over an axis of 1


def reshape(x: Any, shape: Sequence[int]) -> Expression:
    """Return x in another shape; one size may be -1."""
    return apply_operator("reshape", [x], {"shape": shape_tuple(shape)})


def transpose(x: Any, axes: Sequence[int] | None = None) -> Expression:
    """Return x with its axes permuted, by default reversed."""
    return apply_operator("transpose", [x], {"axes": None if axes is None else shape_tuple(axes)})


def swapaxes(x: Any, a: int, b: int) -> Expression:
    """Return x with two axes exchanged."""
    return as_expression(x).swapaxes(a, b)


def expand_dims(x: Any, axis: int) -> Expression:
    """Return x with a new axis of size 1."""
    return apply_operator("expand_dims", [x], {"axis": axis})


def broadcast_to(x: Any, shape: Sequence[int]) -> Expression:
    """Return x broadcast to a larger shape."""
    return apply_operator("broadcast_to", [x], {"shape": shape_tuple(shape)})


def concatenate(parts: Sequence[Any], axis: int = 0) -> Expression:
    """Return arrays concatenated along an axis."""
    return apply_operator("concatenate", parts, {"axis": axis})


def stack(parts: Sequence[Any], axis: int = 0) -> Expression:
    """Return arrays of the same shape joined along a new axis."""
    return concatenate([expand_dims(part, axis) for part in parts], axis)


def take(x: Any, ids: Any, axis: int = 0) -> Expression:
    """Return the slices of x at indices along an axis; for axis 0, rows of an embedding."""
    return apply_operator("take", [x, ids], {"axis": axis})


def embedding(weight: Any, ids: Any) -> Expression:
    """Return the row of each id: weight [V, D], ids [...] -> [..., D]."""
    return take(weight, ids, 0)


def take_along_axis(x: Any, ids: Any, axis: int = -1) -> Expression:
    """Return the elements of x at the indices `ids` along an axis, as np.take_along_axis; torch: gather."""
    return apply_operator("take_along_axis", [x, ids], {"axis": axis})


def one_hot(ids: Any, classes: int) -> Expression:
    """Return one-hot vectors, True at the index of each id: [...] -> [..., classes]."""
    return apply_operator("equal", [expand_dims(ids, -1), np.arange(classes)])


def conv1d(x: Any, weight: Any, bias: Any = None, stride: int = 1, padding: int = 0) -> Expression:
    """Return the convolution along time, as in torch: x [B, D, T], weight [C, D, K], bias [C] -> [B, C, T'].

    T' is (T + 2 * padding - K) // stride + 1.
    """
    result = apply_operator("conv1d", [x, weight], {"stride": stride, "padding": padding})
    return result if bias is None else result + expand_dims(bias, -1)


def cross_entropy(logits: Any, labels: Any) -> Expression:
    """Return the mean of -log softmax at the labels: logits [B, C], labels [B] -> a single number."""
    chosen = take_along_axis(log_softmax(logits, -1), expand_dims(labels, -1), -1)
    return -mean(chosen)


def layer_norm(x: Any, weight: Any, bias: Any, epsilon: float = 1e-5) -> Expression:
    """Return x [..., D] normalized to mean 0 and variance 1 along its last axis, times weight [D], plus bias [D]."""
    x = as_expression(x)
    return (x - mean(x, -1, True)) / sqrt(var(x, -1, True) + epsilon) * weight + bias


def gelu(x: Any) -> Expression:
    """Return the Gaussian error linear unit in the tanh approximation of its authors (Hendrycks and Gimpel, 2016)."""
    x = as_expression(x)
    return x * 0.5 * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))


def zeros_like(x: Expression) -> Expression:
    """Return zeros with the shape and dtype of a typed expression."""
    if x.type is None:
        raise UserError("zeros_like wants an expression whose shape is known; declare the shapes of its variables")
    return broadcast_to(constant(np.zeros((), x.dtype)), x.shape)
