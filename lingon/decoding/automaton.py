"""Compilation of a grammar, given as a tree, to a minimal deterministic finite automaton over UTF-8 bytes."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lingon.core.errors import UserError
from lingon.decoding.grammar_budget import Budget, too_large
from lingon.decoding.nfa import NFA
from lingon.decoding.regex import Pattern

MOST_STATES = 50_000  # maximum states before minimization
MAX_ROUNDS = 64  # maximum rounds of partition refinement


@dataclass(frozen=True)
class Automaton:
    """A deterministic automaton with states 0 .. n-1, of which 0 is the initial one.

    table: [n + 1, C], the state after a byte of a class; n is the dead state, from which no text can be completed.
    classes: [256], the class of each byte; bytes of a class have the same transitions in all states.
    accepting: [n + 1], whether the text may end. distance: [n + 1], minimum number of bytes to an accepting state.
    """

    table: np.ndarray
    classes: np.ndarray
    accepting: np.ndarray
    distance: np.ndarray

    @property
    def dead(self) -> int:
        """Return the dead state, from which no text can be completed."""
        return len(self.table) - 1

    def after(self, text: bytes, state: int = 0) -> int:
        """Return the state after reading a text."""
        for byte in text:
            state = int(self.table[state, self.classes[byte]])
        return state

    def accepts(self, text: str) -> bool:
        """Return whether the grammar accepts a text; one with a lone surrogate, which UTF-8 lacks, is rejected."""
        return bool(self.accepting[self.after(text.encode(errors="surrogatepass"))])


def compiled(node: Pattern) -> Automaton:
    """Return the minimal automaton for a grammar.

    Raises UserError when the grammar allows nothing, or is too large: see `lingon.decoding.grammar_budget`.
    """
    budget = Budget()
    try:
        nfa = NFA(node, budget)
    except RecursionError:
        raise UserError("the grammar is nested too deep; write it with fewer groups or properties") from None
    return _smallest(*_determined(nfa, budget))


def _determined(nfa: NFA, budget: Budget) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the table [n, C] (-1: no transition), classes and accepting states of a deterministic automaton."""
    first = nfa.closure(frozenset([nfa.first]))
    index_of, todo, ways = {first: 0}, [first], array("i")
    for number, states in enumerate(todo):
        edges = [edge for state in states for edge in nfa.edges[state]]
        budget.spend(len(states) + 2 * len(edges))
        for low, after, reached in _ways(edges):
            target = nfa.closure(reached)
            if target not in index_of:
                index_of[target] = len(todo)
                todo.append(target)
            ways.extend((number, low, after, index_of[target]))
        if len(todo) > MOST_STATES:
            raise too_large(f"over {MOST_STATES:,} states")
    found = np.frombuffer(ways, np.int32).reshape(-1, 4) if ways else np.zeros((0, 4), np.int32)
    return *_by_class(found, len(todo)), np.array([nfa.last in states for states in todo])


def _by_class(ways: np.ndarray, states: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the table of transitions (state, low, after, to), with a column per class of bytes, and the classes."""
    starts = np.unique(np.append(ways[:, 1:3], 0))
    starts = starts[starts < 256]
    low, after = np.searchsorted(starts, ways[:, 1]), np.searchsorted(starts, ways[:, 2])
    counts = after - low
    within = np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts)
    table = np.full((states, len(starts)), -1, np.int32)
    table[np.repeat(ways[:, 0], counts), np.repeat(low, counts) + within] = np.repeat(ways[:, 3], counts)
    return table, np.searchsorted(starts, np.arange(256), side="right") - 1


def _ways(edges: list[tuple[int, int, int]]) -> Iterable[tuple[int, int, frozenset[int]]]:
    """Yield ranges of bytes, from low to `after` - 1, that lead to the same states, and these states."""
    if len(edges) == 1:
        ((low, high, to),) = edges
        yield low, high + 1, frozenset((to,))
        return
    starts: dict[int, list[int]] = {}
    for low, high, to in edges:
        starts.setdefault(low, []).append(to)
        starts.setdefault(high + 1, []).append(~to)
    reached: dict[int, int] = {}  # number of edges to each state for the current byte
    for low, after in pairwise(sorted(starts)):
        for to in starts[low]:
            state, change = (to, 1) if to >= 0 else (~to, -1)
            reached[state] = reached.get(state, 0) + change
            if not reached[state]:
                del reached[state]
        if reached:
            yield low, after, frozenset(reached)


def _smallest(table: np.ndarray, classes: np.ndarray, accepting: np.ndarray) -> Automaton:
    """Return the minimal automaton: dead states removed, equivalent states merged (Moore, 1956).

    States with different distances are not equivalent, so that a long chain is divided at once, not state by state. If
    `MAX_ROUNDS` are not enough, such as for a part repeated up to 1000 times, equivalent states remain, which only
    costs memory.
    """
    count = len(table)
    table = np.vstack([np.where(table < 0, count, table), np.full((1, table.shape[1]), count, np.int32)])
    distance = steps_to(np.append(accepting, False), [set(row.tolist()) for row in table])
    if distance[0] < 0:
        raise UserError("the grammar allows no text at all; loosen it")
    table = np.where(distance[table] < 0, count, table)
    table, classes = _merged(table, classes)
    kinds, first = _kinds(table, distance)
    return _numbered(table, classes, kinds, first, distance)


def _kinds(table: np.ndarray, distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the equivalence class of each state, and the first state of each class.

    States are distinguished by a hash of their transitions (sums with random odd factors). Collisions are practically
    impossible, and since the last round is exact, the result does not depend on that.
    """
    factors = np.random.default_rng(0).integers(1, 2**63, table.shape[1] + 1, np.uint64) * np.uint64(2) + np.uint64(1)
    kinds, groups = distance.astype(np.int64), 0
    for _ in range(MAX_ROUNDS):
        seen = kinds.astype(np.uint64) * factors[-1]
        for column, factor in zip(table.T, factors, strict=False):
            seen += kinds.astype(np.uint64)[column] * factor
        _, first, kinds = np.unique(seen, return_index=True, return_inverse=True)
        kinds = kinds.reshape(-1)
        if len(first) == groups:
            break
        groups = len(first)
    alike = (kinds[table] == kinds[table[first]][kinds]).all() and (distance == distance[first][kinds]).all()
    if alike:
        return kinds, first
    dead = len(distance) - 1
    return np.where(distance < 0, dead, np.arange(dead + 1)), np.arange(dead + 1)


def _merged(table: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the table with byte classes of equal transitions merged, in the order of their first bytes."""
    _, first, same = np.unique(table, axis=1, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return table[:, first[order]], np.argsort(order)[same.reshape(-1)][classes]


def _numbered(table: np.ndarray, classes: np.ndarray, kinds: np.ndarray, first: np.ndarray, distance: np.ndarray):
    """Return the automaton with one state per kind: the initial one is 0, the dead one last, unreachable ones dropped.

    Kinds are numbered in breadth-first order, so that equal languages have equal tables.
    """
    dead, todo = int(kinds[-1]), [int(kinds[0])]
    names = {todo[0]: 0, dead: -1}
    for kind in todo:
        for after in kinds[table[first[kind]]].tolist():
            if after not in names:
                names[after] = len(todo)
                todo.append(after)
    name = np.full(len(first), len(todo), np.int32)
    name[todo] = np.arange(len(todo))
    rows = np.vstack([name[kinds[table[first[todo]]]], np.full((1, table.shape[1]), len(todo), np.int32)])
    distance = np.append(distance[first[todo]], -1)
    rows, classes = _merged(rows, classes)
    return Automaton(rows, classes, distance == 0, distance)


def steps_to(goals: np.ndarray, following: Sequence[Iterable[int]]) -> np.ndarray:
    """Return the minimum number of steps from each state to a goal; -1 if it cannot reach one.

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
