"""The common parts of gradient rules: their type, and the gradients of broadcast operands."""

from collections.abc import Callable

from lingon.program import functions as f
from lingon.program.expression import Expression, constant
from lingon.program.operator_types import Type

Gradients = list[Expression | None]
GradientRule = Callable[[Expression, Expression], Gradients]


def unbroadcast(g: Expression, wanted: Type) -> Expression:
    """Return the gradient of an operand that was broadcast: summed over the broadcast axes, and cast."""
    extra = len(g.shape) - len(wanted.shape)
    if extra:
        g = g.sum(tuple(range(extra)))
    if repeated := tuple(i for i, (n, m) in enumerate(zip(g.shape, wanted.shape, strict=True)) if n != m):
        g = g.sum(repeated, True)
    return g if g.dtype == wanted.dtype else g.astype(wanted.dtype)


def full_of_type(value: float, kind: Type) -> Expression:
    """Return an expression of a type in which every element is `value`."""
    return f.broadcast_to(constant(kind.dtype.type(value)), kind.shape)
