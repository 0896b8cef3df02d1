"""Constant folding: expressions without variables are computed once, when the program is made."""

from collections.abc import Sequence

import numpy as np

from lingon.program.expression import Expression, constant
from lingon.program.operator_types import Mismatch
from lingon.program.operators import OPERATORS
from lingon.program.rewrite import rewrite

LARGEST = 1 << 20  # maximum bytes of a folded constant; a larger one costs more memory than it saves time


def fold(roots: Sequence[Expression]) -> list[Expression]:
    """Return the graph with operators on constants replaced by their values."""
    return rewrite(roots, _folded)


def _folded(node: Expression) -> Expression:
    known = node.op in OPERATORS and all(i.op == "constant" for i in node.inputs)
    if not known or node.type.nbytes > LARGEST or (node.op == "broadcast_to" and node.type.size > 1):
        return node
    try:
        with np.errstate(all="ignore"):
            return constant(evaluate_operator(node, [np.asarray(i.value) for i in node.inputs]))
    except (Mismatch, ValueError, ArithmeticError):
        return node  # the error will occur again when the program runs, and is reported then


def evaluate_operator(node: Expression, operands: Sequence[np.ndarray]) -> np.ndarray:
    """Return the value of one operator, in new memory unless it is a view."""
    op = OPERATORS[node.op]
    if op.view:
        return op.run(operands, node.attributes, None)
    out = np.empty(node.type.shape, node.type.dtype)
    op.run(operands, node.attributes, out)
    return out
