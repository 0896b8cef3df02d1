"""Common subexpression elimination: equal expressions are computed once."""

from collections.abc import Hashable, Sequence

import numpy as np

from lingon.program.expression import Expression
from lingon.program.rewrite import rewrite

SMALL = 4096  # maximum bytes of constants that are compared


def merge_common(roots: Sequence[Expression]) -> list[Expression]:
    """Return the graph with operators of the same operands and attributes merged into one."""
    seen: dict[Hashable, Expression] = {}

    def merged(node: Expression) -> Expression:
        return seen.setdefault(_key(node), node)

    return rewrite(roots, merged)


def _key(node: Expression) -> Hashable:
    if node.op == "constant":
        value = np.asarray(node.value)
        content = value.tobytes() if value.nbytes <= SMALL else id(node)
        return node.op, node.type, content
    if node.op == "variable":
        return node.op, node.attributes["name"]
    attributes = tuple(sorted(node.attributes.items()))
    return node.op, tuple(map(id, node.inputs)), attributes
