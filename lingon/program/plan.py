"""The execution plan of a program for one set of shapes: ordered steps, and a buffer for each value."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lingon.core.errors import RunError, UserError
from lingon.program.expression import Expression, mismatch_error
from lingon.program.memory import Layout, separate_buffers, shared_buffers
from lingon.program.operator_types import Mismatch
from lingon.program.passes import Passes, optimised
from lingon.program.plan_schedule import last_reads, live_ranges, schedule
from lingon.program.plan_steps import LiveValues, PlanStep
from lingon.program.report import report, without_sharing
from lingon.program.text import formula
from lingon.program.topological_order import topological_order


@dataclass(frozen=True)
class PlanOptions:
    """Options of a plan. passes: over the graph. fuse: fuse element-wise chains. share: let values share memory."""

    passes: Passes = optimised
    fuse: bool = True
    share: bool = True


class Plan:
    """An execution plan: steps that compute the results, and the layout of their memory.

    roots: the results, optimised. inputs: the variables, in the order of the arrays for `run`.
    """

    def __init__(self, roots: Sequence[Expression], inputs: Sequence[Expression], how: PlanOptions):
        self.how, self.inputs = how, list(inputs)
        self.roots = how.passes(roots)
        nodes = topological_order(self.roots)
        used = {n.attributes["name"]: n for n in nodes if n.op == "variable"}
        self.inputs = [used.get(v.attributes["name"], v) for v in self.inputs]
        self.nodes = [*self.inputs, *(n for n in nodes if n.op != "variable")]
        number = {id(node): k for k, node in enumerate(self.nodes)}
        made = schedule(
            self.nodes, self.roots, number, lambda results, parameters: Plan(results, parameters, how), how.fuse
        )
        self.steps, self.results, self.owned = made.steps, made.results, made.owned
        self.values, self.lives = live_ranges(made)
        self.layout: Layout = (shared_buffers if how.share else separate_buffers)(self.lives, len(self.steps))
        self._buffer = dict(zip(self.values, self.layout.buffer_of, strict=True))
        self._unread = last_reads(made)
        self._constants = [(number[id(n)], np.asarray(n.value)) for n in self.nodes if n.op == "constant"]

    @property
    def peak(self) -> int:
        """Return the peak memory of a run in bytes, without its inputs and constants."""
        return max((self.layout.held(t) + step.scratch for t, step in enumerate(self.steps)), default=0)

    @property
    def bytes_without_sharing(self) -> int:
        """Return the bytes of all values without sharing, as in NumPy if every line assigned a variable."""
        return without_sharing(self)

    @property
    def bytes_with_sharing(self) -> int:
        """Return the bytes as planned, the same as `peak`."""
        return self.peak

    def __str__(self) -> str:
        return report(self)

    def draw(self) -> str:
        """Return a drawing of the memory over the steps, without and with sharing, as SVG text."""
        from lingon.program.picture import draw_memory

        return draw_memory(self)

    def draw_graph(self) -> str:
        """Return a drawing of the optimised graph as SVG text; nodes fused into one step share a colour."""
        from lingon.program.picture import draw_optimised_graph

        return draw_optimised_graph(self)

    def run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return the results for arrays of the types of `inputs`. Raises UserError, or RunError for lack of memory."""
        memory: LiveValues = dict(enumerate(arrays)) | dict(self._constants)
        buffers: dict[int, np.ndarray] = {}
        with np.errstate(all="ignore"):
            for t, step in enumerate(self.steps):
                self._take(step, memory, buffers, t)
        return [memory[v] for v in self.results]

    def _take(self, step: PlanStep, memory: LiveValues, buffers: dict[int, np.ndarray], t: int) -> None:
        """Run one step, then free what is not needed any more."""
        try:
            for o in step.outputs:
                memory[o] = self._array(o, buffers)
            step.run(memory)
        except MemoryError:
            said = f"the program takes {self.peak:,} bytes at most; give it less at once"
            raise RunError(f"no memory for {formula(step.nodes[-1])}: {said}") from None
        except (Mismatch, ValueError, ArithmeticError) as problem:
            if isinstance(problem, UserError):
                raise
            raise mismatch_error(step.nodes[-1], str(problem)) from None
        for v in self._unread[t]:
            del memory[v]
        for b in [b for b in buffers if self.layout.dies[b] <= t]:
            del buffers[b]

    def _array(self, value: int, buffers: dict[int, np.ndarray]) -> np.ndarray:
        kind, b = self.owned[value].type, self._buffer[value]
        if b not in buffers:
            buffers[b] = np.empty(self.layout.sizes[b], np.uint8)
        return buffers[b][: kind.nbytes].view(kind.dtype).reshape(kind.shape)
