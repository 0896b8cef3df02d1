"""Drawings of programs: the graph, and the memory over time."""

from collections.abc import Mapping
from html import escape

from lingon.core.graph_picture import GraphNode, graph_svg
from lingon.program.expression import Expression
from lingon.program.memory import Layout, Life, separate_buffers
from lingon.program.plan import Plan
from lingon.program.plan_steps import BlockStep
from lingon.program.text import format_constant, format_operator
from lingon.program.topological_order import topological_order

COLOURS = ("#9ec5ea", "#f3cf8e", "#a9d8ac", "#e8a9a9", "#c9b6e4", "#a8dcdc", "#eab0d2", "#cfcf9a")
WIDTH, HEIGHT, LEFT, GAP = 640.0, 150.0, 16.0, 46.0


class Picture(str):
    """SVG text that a notebook displays as a picture."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return str(self)


def draw_graph(outputs: Mapping[str, Expression], groups: Mapping[int, int] | None = None) -> str:
    """Return the graph of a program as SVG. groups: step of each node, by identity; nodes of a step share a colour."""
    nodes = topological_order(outputs.values())
    place = {id(node): k for k, node in enumerate(nodes)}
    results = {id(x): name for name, x in outputs.items()}
    boxes = [_box(node, results.get(id(node)), (groups or {}).get(id(node))) for node in nodes]
    edges = [(place[id(i)], place[id(node)]) for node in nodes for i in node.inputs]
    return Picture(graph_svg(boxes, edges, "program"))


def _box(node: Expression, result: str | None, group: int | None) -> GraphNode:
    kind = {"variable": "input", "constant": "constant"}.get(node.op, "op")
    known = [str(node.type)] if node.type is not None and not isinstance(node.type, tuple) and node.inputs else []
    if node.op == "variable":
        said = node.attributes["name"]
        known = [str(node.type)] if node.type is not None else []
    else:
        said = format_constant(node.value) if node.op == "constant" else format_operator(node, ["·"] * len(node.inputs))
    lines = [said, *known, *([f"→ {result}"] if result else [])]
    return GraphNode(tuple(lines), "output" if result and node.inputs else kind, group)


def draw_optimised_graph(plan: Plan) -> str:
    """Return the optimised graph as SVG; nodes that are fused into one step share a colour."""
    groups = {id(n): t for t, step in enumerate(plan.steps) if isinstance(step, BlockStep) for n in step.nodes}
    return draw_graph({f"output{i}": root for i, root in enumerate(plan.roots)}, groups)


def draw_memory(plan: Plan) -> str:
    """Return buffers over steps as SVG: above without sharing, below as planned; heights are bytes."""
    steps = len(plan.steps)
    without = separate_buffers(plan.lives, steps)
    highest = max(sum(without.sizes), 1)
    top = _panel(plan.lives, without, steps, highest, GAP, f"each value by itself: {without.peak():,} bytes")
    below = _panel(
        plan.lives, plan.layout, steps, highest, 2 * GAP + HEIGHT, f"as planned: {plan.layout.peak():,} bytes"
    )
    total = 2 * (GAP + HEIGHT) + GAP
    axis = f'<text x="{LEFT}" y="{total - 12:.0f}">from left to right: step 1 to {steps}; height: bytes</text>'
    return Picture(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + 2 * LEFT:.0f}" height="{total:.0f}" font-size="12" '
        f'font-family="ui-monospace, Menlo, Consolas, monospace" fill="#7b8794"><title>memory</title>'
        f"{top}{below}{axis}</svg>\n"
    )


def _panel(lives: list[Life], layout: Layout, steps: int, highest: int, top: float, title: str) -> str:
    parts = [f'<text x="{LEFT}" y="{top - 8:.0f}">{title}</text>']
    scale, wide = HEIGHT / highest, WIDTH / max(steps, 1)
    floor = [top]
    for size in layout.sizes:
        floor.append(floor[-1] + size * scale)
    for k, (life, b) in enumerate(zip(lives, layout.buffer_of, strict=True)):
        last = min(layout.dies[b] if len(lives) == len(layout.sizes) else life.dies, steps - 1)
        x, width, height = LEFT + life.born * wide, (last - life.born + 1) * wide, life.nbytes * scale
        said = f"{escape(life.name)}: {life.nbytes:,} bytes"
        box = f'x="{x:.1f}" y="{floor[b]:.1f}" width="{width:.1f}" height="{max(height, 0.5):.1f}"'
        parts.append(f'<rect {box} fill="{COLOURS[k % len(COLOURS)]}" stroke="#ffffff"><title>{said}</title></rect>')
        if height > 12:
            text = escape(life.name[: max(1, int(width / 7.5))])
            parts.append(f'<text x="{x + 4:.1f}" y="{floor[b] + 13:.1f}" fill="#1b1f24">{text}</text>')
    return "".join(parts)
