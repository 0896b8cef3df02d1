"""The table of all operators by name, and checks of names and attributes."""

from collections.abc import Mapping
from typing import Any

from lingon.core.errors import unknown
from lingon.program.elementwise import ELEMENTWISE
from lingon.program.gather_scatter import LOOKUP
from lingon.program.operator_types import Mismatch, Operator
from lingon.program.products import PRODUCTS
from lingon.program.reductions import REDUCTIONS
from lingon.program.shaping import SHAPING

OPERATORS: dict[str, Operator] = {**ELEMENTWISE, **REDUCTIONS, **SHAPING, **PRODUCTS, **LOOKUP}


def operator(name: str) -> Operator:
    """Return the operator of this name. Raises UserError that suggests similar names."""
    if name not in OPERATORS:
        raise unknown("operator", name, OPERATORS)
    return OPERATORS[name]


def check_operator(op: Operator, operands: int, attributes: Mapping[str, Any]) -> None:
    """Raise Mismatch unless an operator accepts this number of operands and these attributes."""
    if operands != op.arity if op.arity is not None else operands < 1:
        raise Mismatch(f"{op.name} takes {op.arity or 'one or more'} operands and was given {operands}")
    if set(attributes) != set(op.attributes):
        wanted = ", ".join(op.attributes) or "none"
        raise Mismatch(
            f"{op.name} has the attributes {wanted} and was given {', '.join(map(str, attributes)) or 'none'}"
        )
    for name, valid in op.attributes.items():
        if not valid(attributes[name]):
            raise Mismatch(f"{op.name} cannot have {name} = {str(attributes[name])[:80]!r}")
