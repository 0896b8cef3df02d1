"""Rewriting a graph from its variables to its results, with a rule that looks at one node at a time."""

from collections.abc import Callable, Sequence

from lingon.program.expression import Expression
from lingon.program.loops import rebuild
from lingon.program.topological_order import topological_order

RewriteRule = Callable[[Expression], Expression]
Pass = Callable[[Sequence[Expression]], list[Expression]]


def rewrite(roots: Sequence[Expression], rule: RewriteRule) -> list[Expression]:
    """Rewrite the graph with rule(node) in place of each node; its operands have been rewritten when the rule sees it.

    What no result needs any more is gone: dead code is what cannot be reached from a root.
    """
    done: dict[int, Expression] = {}
    for node in topological_order(roots):
        inputs = [done[id(i)] for i in node.inputs]
        same = all(a is b for a, b in zip(inputs, node.inputs, strict=True))
        done[id(node)] = rule(node if same else rebuild(node, inputs))
    return [done[id(root)] for root in roots]
