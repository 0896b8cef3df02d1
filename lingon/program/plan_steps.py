"""The steps of a plan, which read and write values by number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lingon.program.blocks import Chain, Instruction
from lingon.program.expression import Expression
from lingon.program.operators import OPERATORS

LiveValues = dict[int, np.ndarray]  # the arrays of values that are live, by number


class PlanStep(Protocol):
    """A step of a plan. inputs: values that it reads. outputs: values that need memory. nodes: that it computes."""

    @property
    def nodes(self) -> Sequence[Expression]: ...

    @property
    def inputs(self) -> tuple[int, ...]: ...

    @property
    def outputs(self) -> tuple[int, ...]: ...

    @property
    def scratch(self) -> int:
        """Return the bytes of scratch memory."""

    def run(self, memory: LiveValues) -> None:
        """Read memory[inputs], write into memory[outputs]; a view step stores the view."""


@dataclass(frozen=True)
class CallStep:
    """A step that calls one operator."""

    nodes: tuple[Expression]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    scratch: int = 0

    def run(self, memory: LiveValues) -> None:
        node = self.nodes[0]
        OPERATORS[node.op].run([memory[i] for i in self.inputs], node.attributes, memory[self.outputs[0]])


@dataclass(frozen=True)
class ViewStep:
    """A step that only makes a view of an existing value."""

    nodes: tuple[Expression]
    inputs: tuple[int, ...]
    result: int
    outputs: tuple[int, ...] = ()
    scratch: int = 0

    def run(self, memory: LiveValues) -> None:
        node = self.nodes[0]
        memory[self.result] = OPERATORS[node.op].run([memory[i] for i in self.inputs], node.attributes, None)


@dataclass(frozen=True)
class BlockStep:
    """A step that runs a chain of element-wise operators."""

    nodes: tuple[Expression, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    chain: Chain
    over: frozenset[tuple[int, int]]  # pairs (input, output) that may share a buffer
    scratch: int

    def run(self, memory: LiveValues) -> None:
        self.chain.run([memory[i] for i in self.inputs], [memory[o] for o in self.outputs])


@dataclass(frozen=True)
class CopyStep:
    """A step that copies a result that would otherwise share memory with an input, a constant or another result."""

    nodes: tuple[Expression]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    scratch: int = 0

    def run(self, memory: LiveValues) -> None:
        np.copyto(memory[self.outputs[0]], memory[self.inputs[0]])


def block_step(group: Sequence[Expression], number: Mapping[int, int], needed: set[int], threads: int) -> BlockStep:
    """Return the step of a fused group. number: of each value. needed: the values read by other steps."""
    inner = {id(node) for node in group}
    types = {id(i): i.type for node in group for i in (*node.inputs, node)}
    inputs = list(dict.fromkeys(id(i) for node in group for i in node.inputs if id(i) not in inner))
    results = [id(node) for node in group if id(node) in needed]
    place = {v: k for k, v in enumerate([*inputs, *results])}
    last = {id(i): t for t, node in enumerate(group) for i in node.inputs}
    dtypes = [types[v].dtype for v in (*inputs, *results)]  # of all arrays; scratch is appended
    free = _spare(group, place)
    made = []
    for t, node in enumerate(group):
        dying = [
            place[v] for v in dict.fromkeys(map(id, node.inputs)) if last[v] == t and v in inner and v not in results
        ]
        if OPERATORS[node.op].overlap:
            free += dying
        if id(node) not in place:
            place[id(node)] = _scratch(free, dtypes, node.type.dtype)
        if not OPERATORS[node.op].overlap:
            free += dying
        kernel = OPERATORS[node.op].kernel
        assert kernel is not None, f"{node.op} is in a chain and has no kernel"
        made.append(Instruction(kernel, tuple(place[id(i)] for i in node.inputs), place[id(node)]))
    scratch = tuple(dtypes[len(inputs) + len(results) :])
    width = sum(types[v].dtype.itemsize for v in (*inputs, *results) if types[v].size > 1)
    width += sum(dtype.itemsize for dtype in scratch)
    chain = Chain(group[0].type.shape, len(inputs), len(results), scratch, tuple(made), width)
    first = {i.out: t for t, i in reversed(list(enumerate(made)))}
    written = {v: (first[place[v]], OPERATORS[group[first[place[v]]].op].overlap) for v in results}
    over = _over(inputs, results, last, written, types)
    pairs = frozenset((number[a], number[b]) for a, b in over)
    numbers = tuple(number[v] for v in inputs), tuple(number[v] for v in results)
    return BlockStep(tuple(group), *numbers, chain, pairs, chain.scratch_bytes(threads))


def _scratch(free: list[int], dtypes: list[np.dtype], wanted: np.dtype) -> int:
    for k in free:
        if dtypes[k] == wanted:
            free.remove(k)
            return k
    dtypes.append(wanted)
    return len(dtypes) - 1


def _spare(group: Sequence[Expression], place: dict[int, int]) -> list[int]:
    """Return the index of the last result if its memory can serve as scratch: not if an operand may share it."""
    end, inner = group[-1], {id(node) for node in group}
    operands = (i for node in group for i in node.inputs if id(i) not in inner and i.op not in ("variable", "constant"))
    if any((i.type.shape, i.type.dtype) == (end.type.shape, end.type.dtype) for i in operands):
        return []
    return [place[id(end)]] if id(end) in place and OPERATORS[end.op].overlap else []


def _over(inputs: list[int], results: list[int], last: dict, written: dict, types: dict) -> set[tuple[int, int]]:
    """Return pairs of an operand and a result that may share a buffer: the last read of the operand is not after the
    first write of the result, and both have the same memory layout."""
    return {
        (a, b)
        for a in inputs
        for b in results
        if (types[a].shape, types[a].dtype) == (types[b].shape, types[b].dtype)
        and (last[a] < written[b][0] or (last[a] == written[b][0] and written[b][1]))
    }
