"""Draws a directed graph as an SVG picture: boxes in layers from top to bottom, with arrows between them."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from lingon.core.errors import UserError
from lingon.core.graph_layout import Box, Place, place_boxes

__all__ = ["GraphNode", "graph_svg"]

LETTER, LINE, MARGIN = 7.3, 16.0, 8.0  # for 12 px letters: width of a letter, height of a line, margin around them
LONGEST = 60  # letters of a line; the rest is cut off
LARGEST = 1000  # maximum number of boxes for a readable picture
INK, GREY = "#1b1f24", "#7b8794"  # grey is readable on both white and black; text is on light boxes
# Style of each kind: background, border, width of the border, radius of the corners.
KINDS = {
    "input": ("#d7e8fa", "#3b7dc4", 1.2, 14),
    "constant": ("#eceef0", "#7b8794", 1.2, 0),
    "op": ("#fdf3d6", "#b98a1d", 1.2, 5),
    "output": ("#dcf2dd", "#3d9546", 2.6, 5),
}
GROUPS = ("#f6d5d5", "#d5e5f6", "#dcf0d4", "#f5e3c3", "#e5d9f3", "#cfeeee", "#f6d3e8", "#e4e4bd")


@dataclass(frozen=True)
class GraphNode:
    """A box of a picture: lines of text, a kind (input, constant, op or output), and a group that sets its colour."""

    lines: tuple[str, ...]
    kind: str = "op"
    group: int | None = None


def graph_svg(nodes: Sequence[GraphNode], edges: Sequence[tuple[int, int]], title: str = "") -> str:
    """Return an acyclic graph as the text of an SVG picture; the same graph gives the same text.

    edges: pairs (from, to) of indices into `nodes`. Lines may contain any text. Raises UserError for a cycle, an edge
    to a missing node, an unknown kind, and too many boxes.

    >>> graph_svg([GraphNode(("x",), "input"), GraphNode(("x * 2",), "output")], [(0, 1)]).count("<rect")
    2
    """
    _check(nodes, edges)
    boxes = [Box(*_size(node)) for node in nodes]
    places, routes = place_boxes(boxes, sorted(set(edges)))
    top = LINE + MARGIN if title else 0.0
    width = max([p.right for p in places] + [_width(_clean(title)) + MARGIN]) + MARGIN
    height = max([p.bottom for p in places], default=0.0) + MARGIN + top
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="ui-monospace, Menlo, Consolas, monospace" '
        f'font-size="12" text-anchor="middle">'
    ]
    if title:
        parts.append(f"<title>{_text(title)}</title>")
        parts.append(f'<text x="{width / 2:.1f}" y="{LINE:.1f}" fill="{GREY}">{_text(title)}</text>')
    parts.append(f'<g transform="translate(0 {top:.0f})">')
    parts += [_arrow(route) for route in routes]
    parts += [_box(node, place) for node, place in zip(nodes, places, strict=True)]
    return "\n".join([*parts, "</g>", "</svg>"]) + "\n"


def _check(nodes: Sequence[GraphNode], edges: Sequence[tuple[int, int]]) -> None:
    if len(nodes) > LARGEST:
        raise UserError(f"a graph of {len(nodes)} boxes is no picture any more; draw a part of at most {LARGEST}")
    for node in nodes:
        if node.kind not in KINDS:
            raise UserError(f"unknown kind of box {node.kind!r}; known: {', '.join(KINDS)}")
    for edge in edges:
        if not all(0 <= end < len(nodes) for end in edge):
            raise UserError(f"the edge {edge} leads to no box; there are {len(nodes)}, counted from 0")


def _size(node: GraphNode) -> tuple[float, float]:
    widest = max([_width(_clean(line)) for line in node.lines], default=0.0)
    return max(widest, 3 * LETTER) + 2 * MARGIN, max(len(node.lines), 1) * LINE + MARGIN


def _width(text: str) -> float:
    """Return the width of a text in pixels; East Asian letters count twice."""
    return LETTER * sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _clean(text: str) -> str:
    """Return a text without characters that XML does not allow: control characters and halves of surrogate pairs."""
    shown = "".join("�" if unicodedata.category(c) in ("Cc", "Cs") or ord(c) & 0xFFFE == 0xFFFE else c for c in text)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def _text(text: str) -> str:
    return escape(_clean(text), quote=True)


def _box(node: GraphNode, place: Place) -> str:
    ground, edge, thick, corner = KINDS[node.kind]
    if node.group is not None:
        ground = GROUPS[node.group % len(GROUPS)]
    dashes = ' stroke-dasharray="4 3"' if node.kind == "constant" else ""
    rows = [
        f'<rect x="{place.x:.1f}" y="{place.y:.1f}" width="{place.width:.1f}" height="{place.height:.1f}" '
        f'rx="{corner}" fill="{ground}" stroke="{edge}" stroke-width="{thick}"{dashes}/>'
    ]
    for i, line in enumerate(node.lines):
        y = place.y + MARGIN / 2 + (i + 0.75) * LINE
        rows.append(f'<text x="{place.x + place.width / 2:.1f}" y="{y:.1f}" fill="{INK}">{_text(line)}</text>')
    return "\n".join(rows)


def _arrow(route: list[tuple[float, float]]) -> str:
    """Return a curve through the points, vertical in each of them, with an arrowhead at the last."""
    (x, y), *rest = route
    line = f"M{x:.1f} {y:.1f}"
    for next_x, next_y in rest:
        half = (y + next_y) / 2
        line += f" C{x:.1f} {half:.1f} {next_x:.1f} {half:.1f} {next_x:.1f} {next_y:.1f}"
        x, y = next_x, next_y
    head = f"M{x - 3.5:.1f} {y - 7:.1f} L{x:.1f} {y:.1f} L{x + 3.5:.1f} {y - 7:.1f} Z"
    return f'<path d="{line}" fill="none" stroke="{GREY}" stroke-width="1.2"/><path d="{head}" fill="{GREY}"/>'
