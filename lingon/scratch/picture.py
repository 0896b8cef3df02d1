"""Drawing of the graph of a result: what it was computed from, with values and gradients in the boxes."""

from collections.abc import Mapping

import numpy as np

from lingon.core.graph_picture import GraphNode as Box
from lingon.core.graph_picture import graph_svg
from lingon.scratch.autograd.engine import Found, propagate, recorded_steps
from lingon.scratch.dimensions import shape_of
from lingon.scratch.error_context import MathError
from lingon.scratch.node import Node
from lingon.scratch.tensor import Tensor
from lingon.scratch.torch_picture import Drawing, draw_steps

SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "matmul": "@", "neg": "-x"}
FEW = 4  # maximum elements of an array that are written out


def draw(y: Tensor, names: Mapping[str, Tensor] | None = None, title: str = "") -> Drawing:
    """Return the graph of y as SVG: a box for each array and step, with its values, and its gradient if y is a scalar.

    names: of arrays in the picture, {"w": w}. Gradients are computed for the picture; no `grad` changes. For graphs of
    PyTorch, only steps are shown, and the values and gradients of the leaves.
    """
    if not isinstance(y, Tensor):
        return draw_steps(y, names or {}, title)
    called = {id(x): name for name, x in (names or {}).items()}
    slopes = _slopes(y)
    boxes: list[Box] = []
    places: dict[int, int] = {}
    arrows: list[tuple[int, int]] = []

    def place(x: Tensor, made: Node | Tensor | None, kind: str) -> int:
        key = id(made) if made is not None else id(x)
        if key not in places:
            places[key] = len(boxes)
            boxes.append(Box(_lines(x, made, called, slopes), kind))
        return places[key]

    nodes = recorded_steps([y])
    results = {id(edge): x for node in nodes for x, edge in zip(node.inputs, node.edges, strict=True)}
    results[id(y.edge)] = y
    for node in nodes:
        sources = [
            place(x, edge, "op" if isinstance(edge, Node) else "input" if edge is x else "constant")
            for x, edge in zip(node.inputs, node.edges, strict=True)
        ]
        here = place(results[id(node)], node, "output" if node is y.grad_fn else "op")
        arrows += [(source, here) for source in sources]
    if not nodes:
        place(y, y.edge, "input" if y.requires_grad else "constant")
    return Drawing(graph_svg(boxes, arrows, title))


def _slopes(y: Tensor) -> Found:
    """Return the gradients of y; none if y is not a scalar, or if values have been changed since."""
    if not y.requires_grad or y.numel() != 1:
        return {}
    nodes = recorded_steps([y])
    spent = [node.spent for node in nodes]
    try:
        for node in nodes:
            node.spent = False
        return propagate([y], [Tensor(np.ones(y.shape, y.dtype))], False, None)
    except MathError:
        return {}
    finally:
        for node, before in zip(nodes, spent, strict=True):
            node.spent = before


def _lines(x: Tensor, made: Node | Tensor | None, called: dict[int, str], slopes: Found) -> tuple[str, ...]:
    name = called.get(id(x), "")
    step = SIGNS.get(made.name, made.name) if isinstance(made, Node) else ""
    head = " = ".join(part for part in (name, step) if part)
    lines = [head] if head else []
    lines.append(_numbers(x.array))
    slope = slopes.get(id(made))
    return (*lines, f"grad {_numbers(slope[1].array)}") if slope else tuple(lines)


def _numbers(array: np.ndarray) -> str:
    if array.size > FEW:
        return f"{shape_of(array)}"
    text = ", ".join(f"{number:.4g}" for number in array.ravel().tolist())
    return text if not array.ndim else f"[{text}]" if array.ndim == 1 else f"{shape_of(array)}: {text}"
