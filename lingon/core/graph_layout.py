"""Layout of the boxes of a graph: in layers, with few crossing arrows, each box near its neighbours.

The method is that of Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical System Structures"
(1981): layers by the longest path, an edge over several layers gets a dummy node in each, every layer is sorted by the
mean position of the neighbours, and finally moved horizontally.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lingon.core.errors import UserError

__all__ = ["Box", "Place", "place_boxes"]

GAP, STEP = 18.0, 34.0  # space between two boxes of a layer, and between two layers, in pixels
SWEEPS = 6


@dataclass(frozen=True)
class Box:
    """Size of a box that is to be placed, in pixels."""

    width: float
    height: float


@dataclass(frozen=True)
class Place:
    """A placed box: its upper left corner and its size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height


Points = list[tuple[float, float]]


def place_boxes(boxes: Sequence[Box], edges: Sequence[tuple[int, int]]) -> tuple[list[Place], list[Points]]:
    """Return the place of every box, and for each edge the points that its arrow goes through.

    edges: pairs (from, to) of indices into `boxes`, each pair once. Raises UserError for a cycle.
    """
    depth = layers_of(len(boxes), edges)
    widths = [box.width for box in boxes]
    chains = _with_joints(depth, widths, edges)
    above: list[list[int]] = [[] for _ in depth]  # for each box or dummy node, its neighbours in the layer before
    for a, b in sorted({pair for chain in chains for pair in pairwise(chain)}):
        above[b].append(a)
    below: list[list[int]] = [[] for _ in depth]
    for b, neighbours in enumerate(above):
        for a in neighbours:
            below[a].append(b)
    layers = [[i for i, d in enumerate(depth) if d == layer] for layer in range(max(depth, default=-1) + 1)]
    _sort(layers, above, below)
    centre = _move_sideways(layers, widths, above, below)
    heights = [max([boxes[i].height for i in layer if i < len(boxes)], default=0.0) for layer in layers]
    tops = [STEP / 4 + sum(heights[:i]) + STEP * i for i in range(len(layers))]
    places = [
        Place(centre[i] - box.width / 2, tops[depth[i]] + (heights[depth[i]] - box.height) / 2, box.width, box.height)
        for i, box in enumerate(boxes)
    ]
    return places, [_route(chain, places, centre, [(tops[d], tops[d] + heights[d]) for d in depth]) for chain in chains]


def layers_of(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Return the layer of each box: below all its predecessors. One without any is directly above its first successor.

    >>> layers_of(4, [(0, 1), (1, 2), (3, 2)])
    [0, 1, 2, 1]
    """
    into = [0] * count
    out: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        into[b] += 1
        out[a].append(b)
    depth, ready, waiting = [0] * count, [i for i in range(count) if not into[i]], list(into)
    for a in ready:  # grows during the loop
        for b in out[a]:
            depth[b] = max(depth[b], depth[a] + 1)
            waiting[b] -= 1
            if not waiting[b]:
                ready.append(b)
    if len(ready) < count:
        rest = sorted(set(range(count)) - set(ready))
        raise UserError(f"the graph goes round in a circle; among the boxes {rest[:12]} is one that leads to itself")
    return [min(depth[b] for b in out[i]) - 1 if not into[i] and out[i] else depth[i] for i in range(count)]


def _with_joints(depth: list[int], widths: list[float], edges: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Return each edge as a chain with a node in every layer; shared dummy nodes are appended to `depth`, `widths`."""
    joints: dict[tuple[int, int], int] = {}
    chains = []
    for a, b in edges:
        chain = [a]
        for layer in range(depth[a] + 1, depth[b]):
            if (a, layer) not in joints:
                joints[a, layer] = len(depth)
                depth.append(layer)
                widths.append(0.0)
            chain.append(joints[a, layer])
        chains.append([*chain, b])
    return chains


def _sort(layers: list[list[int]], above: list[list[int]], below: list[list[int]]) -> None:
    """Sort each layer by the mean position of the neighbours, downwards and upwards."""
    rank = {i: float(place) for layer in layers for place, i in enumerate(layer)}
    for sweep in range(SWEEPS):
        neighbours = below if sweep % 2 else above
        for layer in reversed(layers) if sweep % 2 else layers:
            layer.sort(key=lambda i: _mean([rank[j] for j in neighbours[i]], rank[i]))
            rank.update({i: float(place) for place, i in enumerate(layer)})


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _move_sideways(
    layers: list[list[int]], widths: list[float], above: list[list[int]], below: list[list[int]]
) -> list[float]:
    """Return the centre of every box and dummy node: near its neighbours, without overlaps in its layer."""
    centre = [0.0] * len(widths)
    for sweep in range(2 * SWEEPS):
        for layer in reversed(layers) if sweep % 2 else layers:
            both = [above[i] + below[i] if sweep > 1 else (below if sweep % 2 else above)[i] for i in layer]
            wanted = [_mean([centre[j] for j in near], centre[i]) for i, near in zip(layer, both, strict=True)]
            for i, x in zip(layer, apart(wanted, [widths[i] for i in layer]), strict=True):
                centre[i] = x
    left = min([centre[i] - widths[i] / 2 for i in range(len(widths))], default=0.0)
    return [x - left + STEP / 4 for x in centre]


def apart(wanted: Sequence[float], widths: Sequence[float]) -> list[float]:
    """Return centres that keep the order and a gap, and are as close as possible to those wanted (least squares).

    Pool adjacent violators: neighbours that would overlap form a block, which is placed at its mean.

    >>> apart([0.0, 0.0], [10.0, 10.0])
    [-14.0, 14.0]
    """
    offsets = [0.0]
    for a, b in pairwise(widths):
        offsets.append(offsets[-1] + (a + b) / 2 + GAP)
    blocks: list[tuple[float, int]] = []  # mean and size
    for x, offset in zip(wanted, offsets, strict=False):
        mean, size = x - offset, 1
        while blocks and blocks[-1][0] > mean:
            before, count = blocks.pop()
            mean, size = (before * count + mean * size) / (count + size), count + size
        blocks.append((mean, size))
    means = [mean for mean, size in blocks for _ in range(size)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=False)]


def _route(chain: list[int], places: list[Place], centre: list[float], spans: list[tuple[float, float]]) -> Points:
    """Return the points from the bottom of the first box, straight through the layers, to the top of the last one."""
    first, *joints, last = chain
    middle = [(centre[i], y) for i in joints for y in spans[i]]
    return [(centre[first], places[first].bottom), *middle, (centre[last], places[last].y)]
