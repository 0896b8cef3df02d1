"""The order of a graph in which operands come before what uses them."""

from collections.abc import Iterable

from lingon.program.expression import Expression


def topological_order(roots: Iterable[Expression]) -> list[Expression]:
    """Return all expressions that the roots need, each once, operands before what uses them."""
    done: set[int] = set()
    order: list[Expression] = []
    waiting = [(root, False) for root in reversed(list(roots))]
    while waiting:  # and no recursion: a graph may be deeper than Python's stack
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
