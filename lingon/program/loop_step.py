"""The execution of a scan: the plan of its body runs once for each element of its sequences."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lingon.program.expression import Expression

Build = Callable[[Sequence[Expression], Sequence[Expression]], Any]  # results, parameters -> a Plan


@dataclass(frozen=True)
class Loop:
    """A scan as a step. body: the plan of one iteration. taken: for each output, the index of the loop's result."""

    nodes: tuple[Expression]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    taken: tuple[int, ...]
    body: Any

    @property
    def scratch(self) -> int:
        """Return the bytes of one iteration, including the states passed to it."""
        return self.body.peak + sum(r.type.nbytes for r in self.body.roots)

    def run(self, memory: dict[int, np.ndarray]) -> None:
        """Run all iterations, forwards or backwards."""
        a = self.nodes[0].attributes
        given = [memory[i] for i in self.inputs]
        states = given[: a["states"]]
        members = given[a["states"] : a["states"] + a["sequences"]]
        outer = given[a["states"] + a["sequences"] :]
        turns = range(len(members[0]))
        stacks = [(memory[o], r) for o, r in zip(self.outputs, self.taken, strict=True) if r >= len(states)]
        for t in reversed(turns) if a["reverse"] else turns:
            results = self.body.run([*states, *(m[t, ...] for m in members), *outer])
            states = results[: len(states)]
            for stack, r in stacks:
                stack[t] = results[r]
        for o, r in zip(self.outputs, self.taken, strict=True):
            if r < len(states):
                np.copyto(memory[o], states[r])


def loop_step(node: Expression, items: Sequence[Expression], number: Mapping[int, int], build: Build) -> Loop:
    """Return the step of a scan. items: the expressions that select its results."""
    body = node.attributes["body"]
    plan = build(body.results, body.parameters)
    taken = tuple(i.attributes["index"] for i in items)
    return Loop((node,), tuple(number[id(i)] for i in node.inputs), tuple(number[id(i)] for i in items), taken, plan)
