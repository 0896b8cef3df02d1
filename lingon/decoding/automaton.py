"""From the tree of a grammar to a deterministic automaton over the bytes of UTF-8."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lingon.core.errors import UserError
from lingon.decoding import regex
from lingon.decoding.regex import Characters, Either, Node, Ranges, Repeat
from lingon.decoding.utf8 import byte_graph

LARGEST = 200_000  # states on the way, with edges on nothing; a grammar of more would take minutes
MOST_STATES = 50_000  # of the automaton itself: 50 MB, built within about ten seconds
ROUNDS = 64  # in which states that mean the same are told from others


@dataclass(frozen=True)
class Automaton:
    """States 0 .. n-1, of which 0 is the first.

    table: [n + 1, 256], the state after a byte; n is the state from which no text can be finished, and stays there.
    accepting: [n + 1], whether the text may end. distance: [n + 1], how many bytes are missing at least.
    """

    table: np.ndarray
    accepting: np.ndarray
    distance: np.ndarray

    @property
    def dead(self) -> int:
        """The state from which no text can be finished."""
        return len(self.table) - 1

    def after(self, text: bytes, state: int = 0) -> int:
        """The state after a text."""
        for byte in text:
            state = int(self.table[state, byte])
        return state

    def accepts(self, text: str) -> bool:
        """Whether a whole text is of the grammar."""
        return bool(self.accepting[self.after(text.encode())])


def compiled(node: Node) -> Automaton:
    """The smallest automaton for a grammar. Raises UserError when the grammar allows nothing, or is too large."""
    try:
        builder = _Builder().built(node)
    except RecursionError:
        raise UserError("the grammar is nested too deep; write it with fewer groups or properties") from None
    return _smallest(*_determined(builder))


class _Builder:
    """States with edges on bytes and edges on nothing (Thompson, "Regular Expression Search Algorithm", 1968)."""

    def __init__(self):
        self.edges: list[list[tuple[int, int, int]]] = []
        self.free: list[list[int]] = []

    def built(self, node: Node) -> "_Builder":
        self.first, self.last = self.state(), self.state()
        self.add(node, self.first, self.last)
        return self

    def state(self) -> int:
        if len(self.edges) >= LARGEST:
            raise UserError(f"the grammar is too large: over {LARGEST:,} states; repeat less or allow fewer characters")
        self.edges.append([])
        self.free.append([])
        return len(self.edges) - 1

    def add(self, node: Node, start: int, end: int) -> None:
        """Lets the texts of the node lead from one state to another."""
        if isinstance(node, Characters):
            self.add_characters(node.ranges, start, end)
        elif isinstance(node, regex.Sequence):
            for part in node.parts:
                after = self.state()
                self.add(part, start, after)
                start = after
            self.free[start].append(end)
        elif isinstance(node, Either):
            for part in node.parts:
                self.add(part, start, end)
        else:
            self.add_repeat(node, start, end)

    def add_characters(self, ranges: Ranges, start: int, end: int) -> None:
        first, nodes = byte_graph(ranges)
        names = {0: end, first: start} if first else {0: end}
        for number, edges in enumerate(nodes):
            if edges:
                name = names.setdefault(number, -1)
                name = names[number] = self.state() if name < 0 else name
                self.edges[name] += [(low, high, self.named(names, to)) for low, high, to in edges]

    def named(self, names: dict[int, int], number: int) -> int:
        if names.get(number, -1) < 0:
            names[number] = self.state()
        return names[number]

    def add_repeat(self, node: Repeat, start: int, end: int) -> None:
        for _ in range(node.least):
            after = self.state()
            self.add(node.part, start, after)
            start = after
        if node.most is None:
            loop = self.state()
            self.free[start].append(loop)
            self.free[loop].append(end)
            self.add(node.part, loop, again := self.state())
            self.free[again].append(loop)
            return
        self.free[start].append(end)
        for _ in range(node.most - node.least):
            after = self.state()
            self.add(node.part, start, after)
            self.free[after].append(end)
            start = after

    def closure(self, states: frozenset[int]) -> frozenset[int]:
        """The states, and those that nothing leads to from them."""
        found, todo = set(states), list(states)
        while todo:
            for state in self.free[todo.pop()]:
                if state not in found:
                    found.add(state)
                    todo.append(state)
        return frozenset(found)


def _determined(builder: _Builder) -> tuple[np.ndarray, np.ndarray]:
    """The table (-1: no way on) and the accepting states of an automaton that is in one state at a time."""
    first = builder.closure(frozenset([builder.first]))
    numbers, todo, rows = {first: 0}, [first], []
    closures: dict[frozenset, frozenset] = {}
    for states in todo:
        row = np.full(256, -1, np.int32)
        for low, after, reached in _ways([edge for state in states for edge in builder.edges[state]]):
            if reached not in closures:
                closures[reached] = builder.closure(reached)
            target = closures[reached]
            if target not in numbers:
                numbers[target] = len(todo)
                todo.append(target)
            row[low:after] = numbers[target]
        if len(todo) > MOST_STATES:
            raise UserError(
                f"the grammar is too large: over {MOST_STATES:,} states; repeat less, or write it more simply"
            )
        rows.append(row)
    return np.stack(rows), np.array([builder.last in states for states in todo])


def _ways(edges: list[tuple[int, int, int]]) -> Iterable[tuple[int, int, frozenset[int]]]:
    """Ranges of bytes, low to before `after`, that lead to the same states, and these."""
    starts: dict[int, list[int]] = {}
    for low, high, to in edges:
        starts.setdefault(low, []).append(to)
        starts.setdefault(high + 1, []).append(~to)
    reached: dict[int, int] = {}  # how many edges lead to a state here
    for low, after in pairwise(sorted(starts)):
        for to in starts[low]:
            state, change = (to, 1) if to >= 0 else (~to, -1)
            reached[state] = reached.get(state, 0) + change
            if not reached[state]:
                del reached[state]
        if reached:
            yield low, after, frozenset(reached)


def _smallest(table: np.ndarray, accepting: np.ndarray) -> Automaton:
    """States that can end no text removed, and states that mean the same made one (Moore, 1956).

    States of unlike distances differ, so that a long chain is told apart at once and not state by state. Where `ROUNDS`
    are not enough, as for a part that is there up to 1000 times, states that mean the same stay: they only cost memory.
    """
    count = len(table)
    table = np.vstack([np.where(table < 0, count, table), np.full((1, 256), count, np.int32)])
    distance = steps_to(np.append(accepting, False), [set(row) for row in table.tolist()])
    if distance[0] < 0:
        raise UserError("the grammar allows no text at all; loosen it")
    table = np.where(distance[table] < 0, count, table)
    different = np.unique(table, axis=1)  # bytes that always lead to the same states are one column
    kinds, groups = distance, 0
    for _ in range(ROUNDS):
        seen = np.column_stack([kinds, kinds[different]])
        _, first, kinds = np.unique(seen, axis=0, return_index=True, return_inverse=True)
        kinds = kinds.reshape(-1)
        if len(first) == groups:
            return _numbered(table, kinds, first, distance)
        groups = len(first)
    alone = np.where(distance < 0, count, np.arange(count + 1))
    return _numbered(table, alone, np.arange(count + 1), distance)


def _numbered(table: np.ndarray, kinds: np.ndarray, first: np.ndarray, distance: np.ndarray) -> Automaton:
    """The automaton with one state per kind: the first state is 0, the dead one the last, unreachable ones left out."""
    dead = kinds[-1]
    todo = [int(kinds[0])]
    known = set(todo)
    for kind in todo:
        new = [after for after in np.unique(kinds[table[first[kind]]]).tolist() if after not in known and after != dead]
        known.update(new)
        todo += new
    name = np.full(len(first), len(todo), np.int32)
    name[todo] = np.arange(len(todo))
    rows = name[kinds[table[first[todo]]]]
    distance = np.append(distance[first[todo]], -1)
    return Automaton(np.vstack([rows, np.full((1, 256), len(todo), np.int32)]), distance == 0, distance)


def steps_to(goals: np.ndarray, following: Sequence[Iterable[int]]) -> np.ndarray:
    """How many steps each state is from a goal at least; -1 when it never gets there.

    >>> steps_to(np.array([False, False, True, False]), [[1], [0, 2], [], [3]]).tolist()
    [2, 1, 0, -1]
    """
    before: list[list[int]] = [[] for _ in following]
    for state, reached in enumerate(following):
        for to in reached:
            before[to].append(state)
    steps, todo = np.where(goals, 0, -1), np.flatnonzero(goals).tolist()
    for state in todo:
        for earlier in before[state]:
            if steps[earlier] < 0:
                steps[earlier] = steps[state] + 1
                todo.append(earlier)
    return steps
