"""Reverse-mode differentiation of a typed graph: the gradients are expressions too."""

from collections.abc import Callable, Iterable, Sequence

from lingon.core.errors import UserError
from lingon.program.derivatives import DERIVATIVES
from lingon.program.expression import Expression
from lingon.program.gradient_rule import full_of_type
from lingon.program.operator_types import Type
from lingon.program.text import formula
from lingon.program.topological_order import topological_order

LoopRule = Callable[[Expression, dict[int, Expression]], list[Expression | None]]


def backpropagate(
    targets: Sequence[Expression], seeds: Sequence[Expression], wrt: Sequence[Expression], loop_rule: LoopRule
) -> list[Expression]:
    """Return the gradients of sum(target * seed) over all targets, one for each of `wrt`; zeros if independent of it.

    loop_rule: the gradient rule of `scan`, called with the gradients of its results by their index.
    """
    nodes = topological_order(targets)
    needed = _above(nodes, wrt)
    found: dict[int, Expression] = {}
    of_items: dict[int, dict[int, Expression]] = {}
    for target, seed in zip(targets, seeds, strict=True):
        _add(found, target, seed)
    for node in reversed(nodes):
        if id(node) not in needed or (id(node) not in found and id(node) not in of_items):
            continue
        if node.op == "item":
            of_items.setdefault(id(node.inputs[0]), {})[node.attributes["index"]] = found[id(node)]
        elif node.op == "scan":
            _pass_on(found, needed, node, loop_rule(node, of_items[id(node)]))
        elif node.inputs and node.op in DERIVATIVES:  # operators without a rule have results that are not real numbers
            _pass_on(found, needed, node, DERIVATIVES[node.op](node, found[id(node)]))
    return [found[id(x)] if id(x) in found else full_of_type(0, x.type) for x in wrt]


def _above(nodes: Iterable[Expression], wrt: Sequence[Expression]) -> set[int]:
    """Return the expressions that depend on one of `wrt` through floating-point values."""
    needed = {id(x) for x in wrt}
    for node in nodes:
        real = not isinstance(node.type, Type) or node.type.real
        if real and any(id(i) in needed for i in node.inputs):
            needed.add(id(node))
    return needed


def _pass_on(found: dict, needed: set[int], node: Expression, given: list[Expression | None]) -> None:
    for x, g in zip(node.inputs, given, strict=True):
        if g is not None and id(x) in needed:
            _add(found, x, g)


def _add(found: dict[int, Expression], x: Expression, g: Expression) -> None:
    found[id(x)] = found[id(x)] + g if id(x) in found else g


def check_real(x: Expression, what: str) -> None:
    """Raise UserError for an expression that is not floating-point and so has no gradient."""
    if not x.type.real:
        raise UserError(
            f"{formula(x)} is {x.type.dtype}, and {what} floating-point numbers; give float32, or use .astype"
        )
