"""gradient(D, [A, B]): the derivatives of an expression, as expressions."""

from collections.abc import Iterator, Sequence
from typing import Any

from lingon.core.errors import UserError, unknown
from lingon.program.expression import Expression, as_expression
from lingon.program.loops import loop_item
from lingon.program.operator_types import Type
from lingon.program.source_location import caller_line
from lingon.program.specialise import specialise
from lingon.program.text import formula
from lingon.program.topological_order import topological_order


def gradient_of(target: Expression, wrt: Sequence[Expression], seed: Any = None) -> list[Expression]:
    """Return the gradient of the sum of `target` (times `seed`) with respect to each expression of `wrt`.

    If the types are known, the derivatives are built at once, else when the program is called.
    Raises UserError for an expression on which the target does not depend.
    """
    nodes = {id(node) for node in topological_order([target])}
    for x in wrt:
        if id(x) not in nodes:
            raise UserError(
                f"{formula(target)} does not depend on {formula(x)}, so it has no gradient with respect to it "
                f"({caller_line()}); its variables are {', '.join(_names(target)) or 'none'}"
            )
    inputs = [target, *([] if seed is None else [as_expression(seed)]), *wrt]
    node = Expression("gradient", inputs, {"wrt": len(wrt)}, None, caller_line())
    items = [loop_item(node, i) for i in range(len(wrt))]
    variables = [n for n in topological_order(inputs) if n.op == "variable"]
    if all(isinstance(v.type, Type) for v in variables):
        return specialise(items, {v.attributes["name"]: v for v in variables})
    return items


def variables_of(target: Expression) -> Iterator[Expression]:
    """Return the variables that an expression depends on."""
    return (node for node in topological_order([target]) if node.op == "variable")


def by_name(target: Expression, name: str) -> Expression:
    """Return the variable of an expression with this name. Raises UserError that suggests similar names."""
    for variable in variables_of(target):
        if variable.attributes["name"] == name:
            return variable
    raise unknown("variable", name, _names(target))


def _names(target: Expression) -> list[str]:
    return [v.attributes["name"] for v in variables_of(target)]
