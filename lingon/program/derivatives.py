"""The derivative of every operator: the gradients of its operands from the gradient of its result.

Each rule is called with a typed node and the gradient `g` of the loss with respect to it, which has the same type.
"""

from typing import Any

from lingon.program import functions as f
from lingon.program.elementwise_derivatives import ELEMENTWISE_DERIVATIVES
from lingon.program.expression import Expression, apply_operator
from lingon.program.gradient_rule import GradientRule, Gradients, unbroadcast
from lingon.program.operator_types import axes_of, axis_of
from lingon.program.product_derivatives import PRODUCT_DERIVATIVES


def _nothing(node: Expression, g: Expression) -> Gradients:
    return [None] * len(node.inputs)


def _where(node: Expression, g: Expression) -> Gradients:
    condition, x, y = node.inputs
    chosen = f.where(condition, g, 0.0), f.where(condition, 0.0, g)
    return [None, *(unbroadcast(c, t.type) if t.type.real else None for c, t in zip(chosen, (x, y), strict=True))]


def _spread(g: Expression, node: Expression) -> Expression:
    """Return the gradient of a reduction broadcast along the reduced axes."""
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
    **ELEMENTWISE_DERIVATIVES,
    **PRODUCT_DERIVATIVES,
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
    "take": _take,
    "take_add": _take_add,
    "take_along_axis": _take_along,
    "along_axis_add": _along_add,
    **dict.fromkeys(("sign", "floor", "ceil", "trunc", "rint", "detach"), _nothing),
}
