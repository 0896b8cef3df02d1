"""Construction of a nondeterministic finite automaton, with byte edges and epsilon edges, from the tree of a grammar.

Source: Thompson, "Regular Expression Search Algorithm", 1968.
"""

from lingon.decoding import regex
from lingon.decoding.grammar_budget import Budget, too_large
from lingon.decoding.regex import Alternation, CharacterClass, Graph, Pattern, Ranges, Repetition
from lingon.decoding.utf8 import byte_graph

MAX_STATES = 100_000


class NFA:
    """The states of a grammar: a text that it accepts leads from `first` to `last`.

    edges: for each state, (low, high, to), ranges of bytes that lead to another. free: targets of its epsilon edges.
    """

    def __init__(self, node: Pattern, budget: Budget):
        self.edges: list[list[tuple[int, int, int]]] = []
        self.free: list[list[int]] = []
        self.budget = budget
        self.closures: dict[frozenset[int], frozenset[int]] = {}
        self.first, self.last = self.state(), self.state()
        self.add(node, self.first, self.last)

    def state(self) -> int:
        if len(self.edges) >= MAX_STATES:
            raise too_large(f"over {MAX_STATES:,} states")
        self.edges.append([])
        self.free.append([])
        return len(self.edges) - 1

    def add(self, node: Pattern, start: int, end: int) -> None:
        """Add edges for the texts of a node between two states; none leads into `start` or out of `end`."""
        self.budget.spend(1)
        if isinstance(node, CharacterClass):
            self.add_characters(node.ranges, start, end)
        elif isinstance(node, regex.Concatenation):
            self.add_sequence(node.parts, start, end)
        elif isinstance(node, Alternation):
            for part in node.parts:
                self.add(part, start, end)
        elif isinstance(node, Graph):
            places = [start, *(self.state() for _ in range(node.places - 2)), end]
            for here, there, part in node.edges:
                self.add(part, places[here], places[there])
        else:
            self.add_repeat(node, start, end)

    def add_sequence(self, parts: tuple[Pattern, ...], start: int, end: int) -> None:
        if not parts:
            self.free[start].append(end)
            return
        for part in parts[:-1]:
            after = self.state()
            self.add(part, start, after)
            start = after
        self.add(parts[-1], start, end)

    def add_characters(self, ranges: Ranges, start: int, end: int) -> None:
        first, nodes = byte_graph(ranges)
        names = {0: end, first: start} if first else {0: end}
        for number, edges in enumerate(nodes):
            if edges:
                name = self.named(names, number)
                self.edges[name] += [(low, high, self.named(names, to)) for low, high, to in edges]
                self.budget.spend(len(edges))

    def named(self, names: dict[int, int], number: int) -> int:
        if number not in names:
            names[number] = self.state()
        return names[number]

    def add_repeat(self, node: Repetition, start: int, end: int) -> None:
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
        """Return the epsilon closure of the states, limited to states that read a byte or end a text."""
        if states not in self.closures:
            found, todo = set(states), list(states)
            while todo:
                for state in self.free[todo.pop()]:
                    if state not in found:
                        found.add(state)
                        todo.append(state)
                self.budget.spend(1)
            self.closures[states] = frozenset(state for state in found if self.edges[state] or state == self.last)
        return self.closures[states]
