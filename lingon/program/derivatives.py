"""The derivative of every operator: from the gradient of its result to those of its operands.

Each rule is given a node whose types are known and the gradient `g` of the loss with respect to it, of the same type.
"""

from collections.abc import Callable
from typing import Any

from lingon.program import functions as f
from lingon.program.expression import Expression, apply_operator, constant
from lingon.program.operator_types import Type, axes_of, axis_of

Gradients = list[Expression | None]
GradientRule = Callable[[Expression, Expression], Gradients]


def unbroadcast(g: Expression, wanted: Type) -> Expression:
    """Return a gradient summed over the axes that were broadcast, and cast: that of the operand itself."""
    extra = len(g.shape) - len(wanted.shape)
    if extra:
        g = g.sum(tuple(range(extra)))
    if repeated := tuple(i for i, (n, m) in enumerate(zip(g.shape, wanted.shape, strict=True)) if n != m):
        g = g.sum(repeated, True)
    return g if g.dtype == wanted.dtype else g.astype(wanted.dtype)


def full_of_type(value: float, kind: Type) -> Expression:
    """Return a constant of a type with one number everywhere."""
    return f.broadcast_to(constant(kind.dtype.type(value)), kind.shape)


def _per_operand(*rules: Callable[..., Expression]) -> GradientRule:
    """Make a rule from one function of (g, result, *operands) for each operand of an element-wise operator."""

    def rule(node: Expression, g: Expression) -> Gradients:
        return [
            unbroadcast(one(g, node, *node.inputs), x.type) if x.type.real else None
            for one, x in zip(rules, node.inputs, strict=True)
        ]

    return rule


def _nothing(node: Expression, g: Expression) -> Gradients:
    return [None] * len(node.inputs)


def _ties(g: Expression, chosen: Expression, x: Expression, y: Expression) -> Expression:
    return f.where(chosen, g, f.where(x == y, g * 0.5, 0.0))


ONE_BY_ONE: dict[str, GradientRule] = {
    "add": _per_operand(lambda g, r, x, y: g, lambda g, r, x, y: g),
    "subtract": _per_operand(lambda g, r, x, y: g, lambda g, r, x, y: -g),
    "multiply": _per_operand(lambda g, r, x, y: g * y, lambda g, r, x, y: g * x),
    "divide": _per_operand(lambda g, r, x, y: g / y, lambda g, r, x, y: -g * (r / y)),
    "floor_divide": _per_operand(
        lambda g, r, x, y: full_of_type(0, g.type), lambda g, r, x, y: full_of_type(0, g.type)
    ),
    "remainder": _per_operand(lambda g, r, x, y: g, lambda g, r, x, y: -g * (x // y)),
    "power": _per_operand(
        # Where the exponent is 0 the slope is 0, also at 0; where the base is 0 its logarithm must not make NaN.
        lambda g, r, x, y: f.where(y == 0, 0.0, g * y * f.power(x, f.where(y == 0, 1.0, y) - 1)),
        lambda g, r, x, y: f.where((x == 0) & (y >= 0), 0.0, g * r * f.log(x)),
    ),
    "maximum": _per_operand(lambda g, r, x, y: _ties(g, x > y, x, y), lambda g, r, x, y: _ties(g, y > x, x, y)),
    "minimum": _per_operand(lambda g, r, x, y: _ties(g, x < y, x, y), lambda g, r, x, y: _ties(g, y < x, x, y)),
    "negative": _per_operand(lambda g, r, x: -g),
    "absolute": _per_operand(lambda g, r, x: g * f.sign(x)),
    "square": _per_operand(lambda g, r, x: g * (x * 2)),
    "sqrt": _per_operand(lambda g, r, x: g / (r * 2)),
    "reciprocal": _per_operand(lambda g, r, x: -g * f.square(r)),
    "exp": _per_operand(lambda g, r, x: g * r),
    "expm1": _per_operand(lambda g, r, x: g * (r + 1)),
    "log": _per_operand(lambda g, r, x: g / x),
    "log1p": _per_operand(lambda g, r, x: g / (x + 1)),
    "sin": _per_operand(lambda g, r, x: g * f.cos(x)),
    "cos": _per_operand(lambda g, r, x: -g * f.sin(x)),
    "tan": _per_operand(lambda g, r, x: g * (1 + f.square(r))),
    "arctan": _per_operand(lambda g, r, x: g / (1 + f.square(x))),
    "sinh": _per_operand(lambda g, r, x: g * f.cosh(x)),
    "cosh": _per_operand(lambda g, r, x: g * f.sinh(x)),
    "tanh": _per_operand(lambda g, r, x: g * (1 - f.square(r))),
    "sigmoid": _per_operand(lambda g, r, x: g * (r * (1 - r))),
    "relu": _per_operand(lambda g, r, x: f.where(x > 0, g, 0.0)),
    "cast": _per_operand(lambda g, r, x: g),
}


def _where(node: Expression, g: Expression) -> Gradients:
    condition, x, y = node.inputs
    chosen = f.where(condition, g, 0.0), f.where(condition, 0.0, g)
    return [None, *(unbroadcast(c, t.type) if t.type.real else None for c, t in zip(chosen, (x, y), strict=True))]


def _spread(g: Expression, node: Expression) -> Expression:
    """Repeat what was reduced over axes along them."""
    x = node.inputs[0].type
    axes = axes_of(node.attributes["axis"], len(x.shape))
    kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    return f.broadcast_to(g.reshape(kept), x.shape)


def _sum(node: Expression, g: Expression) -> Gradients:
    return [_spread(g, node)]


def _mean(node: Expression, g: Expression) -> Gradients:
    many = node.inputs[0].type.size // node.type.size if node.type.size else 1
    return [_spread(g / float(many), node)]


def _extreme(node: Expression, g: Expression) -> Gradients:
    chosen = (node.inputs[0] == _spread(node, node)).astype(g.dtype)
    return [_spread(g / chosen.sum(node.attributes["axis"]).reshape(g.shape), node) * chosen]


def _softmax(node: Expression, g: Expression) -> Gradients:
    axis = node.attributes["axis"]
    return [node * (g - (g * node).sum(axis, True))]


def _log_softmax(node: Expression, g: Expression) -> Gradients:
    axis = node.attributes["axis"]
    return [g - f.exp(node) * g.sum(axis, True)]


def _flipped(x: Expression, axis: int) -> Expression:
    whole: list[Any] = [slice(None)] * len(x.shape)
    whole[axis] = slice(None, None, -1)
    return x[tuple(whole)]


def _cumsum(node: Expression, g: Expression) -> Gradients:
    axis = axis_of(node.attributes["axis"], len(node.shape))
    return [_flipped(f.cumsum(_flipped(g, axis), axis), axis)]


def _reshape(node: Expression, g: Expression) -> Gradients:
    return [g.reshape(node.inputs[0].shape)]


def _transpose(node: Expression, g: Expression) -> Gradients:
    axes = node.attributes["axes"]
    if axes is None:
        return [g.transpose()]
    axes = [axis_of(a, len(axes)) for a in axes]
    return [g.transpose(tuple(axes.index(i) for i in range(len(axes))))]


def _swapaxes(node: Expression, g: Expression) -> Gradients:
    return [g.swapaxes(node.attributes["a"], node.attributes["b"])]


def _broadcast_to(node: Expression, g: Expression) -> Gradients:
    return [unbroadcast(g, node.inputs[0].type)]


def _slice(node: Expression, g: Expression) -> Gradients:
    return [apply_operator("place", [g], {"shape": node.inputs[0].shape, "index": node.attributes["index"]})]


def _place(node: Expression, g: Expression) -> Gradients:
    return [apply_operator("slice", [g], {"index": node.attributes["index"]})]


def _concatenate(node: Expression, g: Expression) -> Gradients:
    axis, start, parts = axis_of(node.attributes["axis"], len(node.shape)), 0, []
    for x in node.inputs:
        index = (slice(None),) * axis + (slice(start, start + x.shape[axis]),)
        parts.append(unbroadcast(g[index], x.type) if x.type.real else None)
        start += x.shape[axis]
    return parts


def _windows(node: Expression, g: Expression) -> Gradients:
    return [apply_operator("add_windows", [g], {"length": node.inputs[0].shape[-1], "step": node.attributes["step"]})]


def _add_windows(node: Expression, g: Expression) -> Gradients:
    return [apply_operator("windows", [g], {"size": node.inputs[0].shape[-1], "step": node.attributes["step"]})]


def _matmul(node: Expression, g: Expression) -> Gradients:
    a, b = node.inputs
    # A vector is a matrix of one row or one column, so that one formula serves all.
    left = a if len(a.shape) > 1 else f.expand_dims(a, 0)
    right = b if len(b.shape) > 1 else f.expand_dims(b, 1)
    if len(a.shape) == 1:
        g = f.expand_dims(g, len(g.shape) if len(b.shape) == 1 else len(g.shape) - 1)
    if len(b.shape) == 1:
        g = f.expand_dims(g, len(g.shape))
    for_a = unbroadcast(g @ right.swapaxes(-1, -2), left.type).reshape(a.shape) if a.type.real else None
    for_b = unbroadcast(left.swapaxes(-1, -2) @ g, right.type).reshape(b.shape) if b.type.real else None
    return [for_a, for_b]


def _conv1d(node: Expression, g: Expression) -> Gradients:
    """Return gradients by the windows of x: [B, D, T', K] and the filters [C, D, K] make [B, C, T']."""
    x, weight = node.inputs
    stride, padding = node.attributes["stride"], node.attributes["padding"]
    batch, width, time = x.shape
    length, inner = time + 2 * padding, (slice(None), slice(None), slice(padding, padding + time))
    index = tuple(("slice", s.start, s.stop, s.step) for s in inner)
    wide = apply_operator("place", [x], {"shape": (batch, width, length), "index": index}) if padding else x
    channels, _, kernel = weight.shape
    places = g.shape[2]
    windows = apply_operator("windows", [wide], {"size": kernel, "step": stride})
    rows = windows.transpose(0, 2, 1, 3).reshape(batch * places, width * kernel)
    flat = g.transpose(0, 2, 1).reshape(batch * places, channels)
    for_weight = (flat.T @ rows).reshape(weight.shape)
    spread = (flat @ weight.reshape(channels, width * kernel)).reshape(batch, places, width, kernel)
    used = (places - 1) * stride + kernel  # numbers behind the last window were never looked at
    for_x = apply_operator("add_windows", [spread.transpose(0, 2, 1, 3)], {"length": used, "step": stride})
    whole = (("slice", None, None, None), ("slice", None, None, None), ("slice", 0, used, None))
    for_x = apply_operator("place", [for_x], {"shape": (batch, width, length), "index": whole})[inner]
    return [
        unbroadcast(for_x, x.type) if x.type.real else None,
        unbroadcast(for_weight, weight.type) if weight.type.real else None,
    ]


def _take(node: Expression, g: Expression) -> Gradients:
    x, ids = node.inputs
    axis = axis_of(node.attributes["axis"], len(x.shape))
    return [apply_operator("take_add", [g, ids], {"axis": axis, "size": x.shape[axis]}), None]


def _take_add(node: Expression, g: Expression) -> Gradients:
    return [f.take(g, node.inputs[1], node.attributes["axis"]), None]


def _take_along(node: Expression, g: Expression) -> Gradients:
    x, ids = node.inputs
    axis = axis_of(node.attributes["axis"], len(x.shape))
    return [apply_operator("along_axis_add", [g, ids], {"axis": axis, "size": x.shape[axis]}), None]


def _along_add(node: Expression, g: Expression) -> Gradients:
    return [f.take_along_axis(g, node.inputs[1], node.attributes["axis"]), None]


DERIVATIVES: dict[str, GradientRule] = {
    **ONE_BY_ONE,
    "where": _where,
    "sum": _sum,
    "mean": _mean,
    "max": _extreme,
    "min": _extreme,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "cumsum": _cumsum,
    "reshape": _reshape,
    "expand_dims": _reshape,
    "transpose": _transpose,
    "swapaxes": _swapaxes,
    "broadcast_to": _broadcast_to,
    "slice": _slice,
    "place": _place,
    "concatenate": _concatenate,
    "windows": _windows,
    "add_windows": _add_windows,
    "matmul": _matmul,
    "conv1d": _conv1d,
    "take": _take,
    "take_add": _take_add,
    "take_along_axis": _take_along,
    "along_axis_add": _along_add,
    **dict.fromkeys(("sign", "floor", "ceil", "trunc", "rint", "detach"), _nothing),
}
