"""Drawing of the graph of a PyTorch result: its steps, and the values and gradients of its leaves.

PyTorch keeps intermediate results only where it needs them, so they are not shown. It is not imported here: the graph
is followed through `grad_fn` and `next_functions`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lingon.core.graph_picture import GraphNode as Box
from lingon.core.graph_picture import graph_svg
from lingon.scratch.error_context import ArrayTypeError, fail

SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "mm": "@", "mv": "@", "neg": "-x"}
FEW = 4  # maximum elements of an array that are written out


class Drawing(str):
    """SVG text that a notebook displays as a picture."""

    def _repr_svg_(self) -> str:
        return str(self)


def draw_steps(y: Any, names: Mapping[str, Any], title: str = "") -> Drawing:
    """Return the steps that lead to y as SVG. names: of the leaves. Raises ArrayTypeError if y has no graph."""
    if getattr(y, "grad_fn", None) is None:
        fail(
            f"draw expects a result that was computed from arrays with requires_grad, not {type(y).__name__}",
            ArrayTypeError,
        )
    called = {id(x): name for name, x in names.items()}
    steps = list(_steps(y.grad_fn))
    places = {step: i for i, step in enumerate(steps)}
    boxes = [_box(step, called, step is y.grad_fn) for step in steps]
    arrows = [(places[source], places[step]) for step in steps for source, _ in step.next_functions if source]
    return Drawing(graph_svg(boxes, arrows, title))


def _steps(last: Any) -> Iterator[Any]:
    """Return every step once, each before the steps it was computed from."""
    found, todo = {last}, [last]
    while todo:
        step = todo.pop()
        yield step
        new = [source for source, _ in step.next_functions if source and source not in found]
        found.update(new)
        todo += new


def _box(step: Any, called: Mapping[int, str], last: bool) -> Box:
    leaf = getattr(step, "variable", None)
    if leaf is None:
        name = re.sub(r"Backward\d*$", "", step.name().split("::")[-1]).lower()
        return Box((SIGNS.get(name, name),), "output" if last else "op")
    lines = [called.get(id(leaf), ""), _numbers(leaf), f"grad {_numbers(leaf.grad)}" if leaf.grad is not None else ""]
    return Box(tuple(line for line in lines if line), "input")


def _numbers(x: Any) -> str:
    numbers = x.detach().reshape(-1).tolist() if x.numel() <= FEW else None
    return ", ".join(f"{number:.4g}" for number in numbers) if numbers else str(list(x.shape))
