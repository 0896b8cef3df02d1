"""Rewriting of a graph, from variables to results, by a rule for single nodes."""

from collections.abc import Callable, Sequence

from lingon.program.expression import Expression
from lingon.program.loops import rebuild
from lingon.program.topological_order import topological_order

RewriteRule = Callable[[Expression], Expression]
Pass = Callable[[Sequence[Expression]], list[Expression]]


def rewrite(roots: Sequence[Expression], rule: RewriteRule) -> list[Expression]:
    """Return the graph with rule(node) in place of each node, whose operands have already been rewritten.

    Nodes that are no longer reachable from a root are dropped (dead code).
    """
    done: dict[int, Expression] = {}
    for node in topological_order(roots):
        inputs = [done[id(i)] for i in node.inputs]
        same = all(a is b for a, b in zip(inputs, node.inputs, strict=True))
        done[id(node)] = rule(node if same else rebuild(node, inputs))
    return [done[id(root)] for root in roots]
