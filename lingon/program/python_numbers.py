"""Conversion of Python numbers to arrays of the dtype in which NumPy would compute with them."""

from collections.abc import Sequence

import numpy as np

from lingon.program.elementwise import ELEMENTWISE, common_dtype, resolve_comparison
from lingon.program.expression import Expression, constant, mismatch_error
from lingon.program.loops import rebuild
from lingon.program.operator_types import Mismatch
from lingon.program.rewrite import rewrite


def convert_numbers(roots: Sequence[Expression]) -> list[Expression]:
    """Return the graph without weak constants. Raises UserError for a number that does not fit the other's dtype."""
    done = rewrite(roots, _settled)
    return [_strong(root) for root in done]


def _strong(x: Expression) -> Expression:
    return constant(np.asarray(x.value)) if x.op == "constant" and x.type.weak else x


def _settled(node: Expression) -> Expression:
    if not any(i.op == "constant" and i.type.weak for i in node.inputs):
        return node
    try:
        dtypes = _dtypes(node)
        inputs = [
            constant(np.array(i.value, d)) if i.op == "constant" and i.type.weak else i
            for i, d in zip(node.inputs, dtypes, strict=False)
        ]
    except (Mismatch, OverflowError) as problem:
        raise mismatch_error(node, str(problem)) from None
    return rebuild(node, inputs)


def _dtypes(node: Expression) -> list[np.dtype]:
    types = [i.type for i in node.inputs]
    if node.op == "where":
        return [types[0].dtype, *[common_dtype(types[1:])] * 2]
    if node.op in ELEMENTWISE and hasattr(np, node.op):
        return list(resolve_comparison(getattr(np, node.op), types, [i.value for i in node.inputs]))
    return [t.dtype for t in types]
