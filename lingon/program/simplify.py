"""Algebraic simplification that is exact, also for NaN, infinities and -0.0: float x * 0 stays, as inf * 0 is NaN."""

from collections.abc import Callable, Sequence

import numpy as np

from lingon.program.expression import Expression, apply_operator, constant
from lingon.program.operator_types import axis_of
from lingon.program.rewrite import rewrite

Simplification = Callable[[Expression], Expression | None]


def simplify(roots: Sequence[Expression]) -> list[Expression]:
    """Return the graph after applying every rule of this file where it fits."""
    return rewrite(roots, _simpler)


def _simpler(node: Expression) -> Expression:
    rule = SIMPLIFICATIONS.get(node.op)
    found = rule(node) if rule else None
    if found is None:
        return node
    return found if (found.type.shape, found.type.dtype) == (node.type.shape, node.type.dtype) else node


def _is(x: Expression, value: float) -> bool:
    """Return whether every element of an expression is this constant, including its sign."""
    if x.op == "broadcast_to":
        x = x.inputs[0]
    if x.op != "constant" or np.size(x.value) != 1:
        return False
    number = np.asarray(x.value).item()
    return number == value and np.signbit(float(number)) == np.signbit(float(value))


def _add(node: Expression) -> Expression | None:
    """Simplify x + 0 to x for integers only, since -0.0 + 0 is 0; x + -0.0 to x for all."""
    zero = -0.0 if node.dtype.kind == "f" else 0
    x, y = node.inputs
    return x if _is(y, zero) else y if _is(x, zero) else None


def _subtract(node: Expression) -> Expression | None:
    x, y = node.inputs
    return x if _is(y, 0) else None


def _multiply(node: Expression) -> Expression | None:
    x, y = node.inputs
    for one, other in ((x, y), (y, x)):
        if _is(one, 1):
            return other
        if _is(one, -1) and other.dtype.kind in "fi":
            return apply_operator("negative", [other], line=node.line)
        if node.dtype.kind in "iu" and _is(one, 0):
            return apply_operator(
                "broadcast_to", [constant(np.zeros((), node.dtype))], {"shape": node.shape}, node.line
            )
    return None


def _divide(node: Expression) -> Expression | None:
    """Simplify x / 2 to x * 0.5: for powers of two, the quotient and the product with the inverse round equally."""
    x, y = node.inputs
    if _is(y, 1):
        return x
    if y.op != "constant" or np.size(y.value) != 1 or np.asarray(y.value).dtype != node.dtype:
        return None
    fraction, exponent = np.frexp(np.asarray(y.value).item())
    if abs(fraction) != 0.5 or abs(exponent) > 10:
        return None
    return apply_operator("multiply", [x, constant(np.asarray(1 / y.value, node.dtype))], line=node.line)


def _twice(op: str) -> Simplification:
    """Return a rule that simplifies f(f(x)) to x."""
    return lambda node: node.inputs[0].inputs[0] if node.inputs[0].op == op else None


def _once(op: str) -> Simplification:
    """Return a rule that simplifies f(f(x)) to f(x)."""
    return lambda node: node.inputs[0] if node.inputs[0].op == op else None


def _equal_sides(node: Expression) -> Expression | None:
    """Simplify max(x, x) and x & x to x; NaN stays NaN."""
    return node.inputs[0] if node.inputs[0] is node.inputs[1] else None


def _where(node: Expression) -> Expression | None:
    condition, x, y = node.inputs
    if x is y:
        return x
    if condition.op == "constant" and np.size(condition.value) == 1:
        return x if np.asarray(condition.value).item() else y
    return None


def _same_type(node: Expression) -> Expression | None:
    """Drop a cast to the same dtype, and a reshape or broadcast to the same shape."""
    return node.inputs[0]


def _reshape(node: Expression) -> Expression | None:
    inner = node.inputs[0]
    if inner.shape == node.shape:
        return inner
    if inner.op in ("reshape", "expand_dims"):
        return apply_operator("reshape", inner.inputs, {"shape": node.shape}, node.line)
    return None


def _transpose(node: Expression) -> Expression | None:
    rank = len(node.shape)
    order = _order(node, rank)
    if order == tuple(range(rank)):
        return node.inputs[0]
    inner = node.inputs[0]
    if inner.op not in ("transpose", "swapaxes"):
        return None
    first = _order(inner, rank)
    both = tuple(first[i] for i in order)
    if both == tuple(range(rank)):
        return inner.inputs[0]
    return apply_operator("transpose", inner.inputs, {"axes": both}, node.line)


def _order(node: Expression, rank: int) -> tuple[int, ...]:
    if node.op == "swapaxes":
        a, b = (axis_of(node.attributes[name], rank) for name in ("a", "b"))
        exchanged = {a: b, b: a}
        return tuple(exchanged.get(i, i) for i in range(rank))
    axes = node.attributes["axes"]
    return tuple(reversed(range(rank))) if axes is None else tuple(axis_of(a, rank) for a in axes)


def _slice(node: Expression) -> Expression | None:
    everything = (("slice", None, None, None), ("rest",))
    return node.inputs[0] if all(entry in everything for entry in node.attributes["index"]) else None


def _sum(node: Expression) -> Expression | None:
    return node.inputs[0] if node.attributes["axis"] == () else None


SIMPLIFICATIONS: dict[str, Simplification] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "divide": _divide,
    "negative": _twice("negative"),
    "logical_not": lambda n: _twice("logical_not")(n) if n.inputs[0].op == "logical_not" else None,
    "invert": _twice("invert"),
    "absolute": _once("absolute"),
    "relu": _once("relu"),
    "maximum": _equal_sides,
    "minimum": _equal_sides,
    "bitwise_and": _equal_sides,
    "bitwise_or": _equal_sides,
    "where": _where,
    "detach": _same_type,
    "cast": _same_type,
    "broadcast_to": _same_type,
    "reshape": _reshape,
    "transpose": _transpose,
    "swapaxes": _transpose,
    "slice": _slice,
    "sum": _sum,
    "concatenate": lambda node: node.inputs[0] if len(node.inputs) == 1 else None,
}
