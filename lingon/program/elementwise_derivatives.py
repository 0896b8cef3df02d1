"""The derivatives of element-wise operators."""

from collections.abc import Callable

from lingon.program import functions as f
from lingon.program.expression import Expression
from lingon.program.gradient_rule import GradientRule, Gradients, full_of_type, unbroadcast


def _per_operand(*rules: Callable[..., Expression]) -> GradientRule:
    """Return a gradient rule of an element-wise operator from a function of (g, result, *operands) per operand."""

    def rule(node: Expression, g: Expression) -> Gradients:
        return [
            unbroadcast(one(g, node, *node.inputs), x.type) if x.type.real else None
            for one, x in zip(rules, node.inputs, strict=True)
        ]

    return rule


def _ties(g: Expression, chosen: Expression, x: Expression, y: Expression) -> Expression:
    return f.where(chosen, g, f.where(x == y, g * 0.5, 0.0))


ELEMENTWISE_DERIVATIVES: dict[str, GradientRule] = {
    "add": _per_operand(lambda g, r, x, y: g, lambda g, r, x, y: g),
    "subtract": _per_operand(lambda g, r, x, y: g, lambda g, r, x, y: -g),
    "multiply": _per_operand(lambda g, r, x, y: g * y, lambda g, r, x, y: g * x),
    "divide": _per_operand(lambda g, r, x, y: g / y, lambda g, r, x, y: -g * (r / y)),
    "floor_divide": _per_operand(
        lambda g, r, x, y: full_of_type(0, g.type), lambda g, r, x, y: full_of_type(0, g.type)
    ),
    "remainder": _per_operand(lambda g, r, x, y: g, lambda g, r, x, y: -g * (x // y)),
    "power": _per_operand(
        # The derivative is 0 for exponent 0, also at base 0; at base 0, its logarithm must not produce NaN.
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
