"""Operator fusion: grouping of operators that run as one step, block by block, without intermediates in memory."""

import heapq
from collections.abc import Sequence

from lingon.program.expression import Expression
from lingon.program.operators import OPERATORS

MANY = 300  # maximum groups for which merging groups that only share an operand is tried


class NodeGroups:
    """Groups of nodes, and for each the set of groups that it depends on, as the bits of an integer."""

    def __init__(self) -> None:
        self.members: dict[int, list[int]] = {}
        self.above: dict[int, int] = {}

    def add(self, node: int, waits: set[int]) -> None:
        """Add a new group of one node, with the number of the node; the groups it depends on must exist already."""
        self.members[node] = [node]
        self.above[node] = 0
        for g in waits:
            self.above[node] |= self.above[g] | 1 << g

    def can_merge(self, a: int, b: int) -> bool:
        """Return whether two groups can be merged: no path from one to the other leads through a third group."""
        between = (self.above[a] | self.above[b]) & ~(1 << a | 1 << b)
        both = 1 << a | 1 << b
        return not any(between >> k & 1 and self.above[k] & both for k in self.members)

    def merge(self, a: int, b: int) -> None:
        """Move the members of b into a."""
        self.members[a] = sorted(self.members[a] + self.members.pop(b))
        waits = (self.above[a] | self.above.pop(b)) & ~(1 << a | 1 << b)
        self.above[a] = waits
        for g, others in self.above.items():
            if g != a and others >> a & 1 | others >> b & 1:  # what depends on one now depends on all of them
                self.above[g] = (others & ~(1 << b)) | 1 << a | waits


def fuse(nodes: Sequence[Expression]) -> list[list[Expression]]:
    """Return groups of nodes in execution order; element-wise nodes of the same shape are fused into a group.

    nodes: in topological order.
    """
    place = {id(node): k for k, node in enumerate(nodes)}
    home = list(range(len(nodes)))
    groups = NodeGroups()
    for k, node in enumerate(nodes):
        waits = {home[place[id(i)]] for i in node.inputs}
        groups.add(k, waits)
        if blockwise(node):
            for g in sorted(waits, reverse=True):
                _try(groups, nodes, home, g, home[k])
    _fuse_siblings(groups, nodes, home)
    return [[nodes[k] for k in groups.members[g]] for g in _order(groups, nodes, place, home)]


def unfused(nodes: Sequence[Expression]) -> list[list[Expression]]:
    """Return each node as a group of its own: no fusion."""
    return [[node] for node in nodes]


def blockwise(node: Expression) -> bool:
    """Return whether an operator is element-wise."""
    return node.op in OPERATORS and OPERATORS[node.op].elementwise


def _try(groups: NodeGroups, nodes: Sequence[Expression], home: list[int], a: int, b: int) -> None:
    alike = a != b and blockwise(nodes[a]) and blockwise(nodes[b]) and nodes[a].type.shape == nodes[b].type.shape
    if alike and groups.can_merge(a, b):
        groups.merge(a, b)
        for k in groups.members[a]:
            home[k] = a


def _fuse_siblings(groups: NodeGroups, nodes: Sequence[Expression], home: list[int]) -> None:
    """Merge groups that read the same operand, so that it is read once."""
    if len(groups.members) > MANY:
        return
    readers: dict[int, list[int]] = {}
    for k, node in enumerate(nodes):
        for i in node.inputs if blockwise(node) else ():
            if i.type.shape == node.type.shape:
                readers.setdefault(id(i), []).append(k)
    for ks in readers.values():
        for k in ks[1:]:
            _try(groups, nodes, home, home[ks[0]], home[k])


def _order(groups: NodeGroups, nodes: Sequence[Expression], place: dict[int, int], home: list[int]) -> list[int]:
    """Return the groups in topological order, otherwise in the order in which they were written."""
    needs = {
        g: {home[place[id(i)]] for k in members for i in nodes[k].inputs} - {g} for g, members in groups.members.items()
    }
    users: dict[int, list[int]] = {g: [] for g in needs}
    for g, waits in needs.items():
        for i in waits:
            users[i].append(g)
    left = {g: len(waits) for g, waits in needs.items()}
    ready = [g for g, n in left.items() if n == 0]
    heapq.heapify(ready)
    order = []
    while ready:
        order.append(g := heapq.heappop(ready))
        for user in users[g]:
            left[user] -= 1
            if left[user] == 0:
                heapq.heappush(ready, user)
    assert len(order) == len(needs), "fusion made a cycle"
    return order
