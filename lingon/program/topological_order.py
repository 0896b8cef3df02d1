"""The topological order of a graph: operands before the operators that use them."""

from collections.abc import Iterable

from lingon.program.expression import Expression


def topological_order(roots: Iterable[Expression]) -> list[Expression]:
    """Return all expressions that the roots depend on, each once, in topological order."""
    done: set[int] = set()
    order: list[Expression] = []
    waiting = [(root, False) for root in reversed(list(roots))]
    while waiting:  # iterative, because a graph may be deeper than Python's stack
        node, ready = waiting.pop()
        if id(node) in done:
            continue
        if ready:
            done.add(id(node))
            order.append(node)
        else:
            waiting.append((node, True))
            waiting += [(i, False) for i in reversed(node.inputs) if id(i) not in done]
    return order
