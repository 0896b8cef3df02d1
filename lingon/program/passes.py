"""The optimisation passes over a graph, in order."""

from collections.abc import Callable, Sequence

from lingon.program.constant_folding import fold
from lingon.program.dead_code import drop_unused
from lingon.program.expression import Expression
from lingon.program.python_numbers import convert_numbers
from lingon.program.simplify import simplify
from lingon.program.subexpressions import merge_common

Passes = Callable[[Sequence[Expression]], list[Expression]]


def optimised(roots: Sequence[Expression]) -> list[Expression]:
    """Return the graph after running every pass twice, since a pass may produce, for example, constants for another."""
    roots = convert_numbers(roots)
    for _ in range(2):
        roots = merge_common(simplify(fold(roots)))
    return drop_unused(roots)


def as_written(roots: Sequence[Expression]) -> list[Expression]:
    """Return the graph after the passes that every program needs, without optimisation."""
    return drop_unused(convert_numbers(roots))
