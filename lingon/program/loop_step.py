"""How a scan runs: the plan of its body, once for each member of its sequences."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lingon.program.expression import Expression

Build = Callable[[Sequence[Expression], Sequence[Expression]], Any]  # results, parameters -> a Plan


@dataclass(frozen=True)
class Loop:
    """body: a plan whose inputs are the parameters of one turn. taken: which result of the loop each output is."""

    nodes: tuple[Expression]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    taken: tuple[int, ...]
    body: Any

    @property
    def scratch(self) -> int:
        """Return bytes of one turn, and of the states that it was given."""
        return self.body.peak + sum(r.type.nbytes for r in self.body.roots)

    def run(self, memory: dict[int, np.ndarray]) -> None:
        """Run all turns, in order or from the last to the first."""
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
    """Return the step of a scan. items: the expressions that pick its results."""
    body = node.attributes["body"]
    plan = build(body.results, body.parameters)
    taken = tuple(i.attributes["index"] for i in items)
    return Loop((node,), tuple(number[id(i)] for i in node.inputs), tuple(number[id(i)] for i in items), taken, plan)
