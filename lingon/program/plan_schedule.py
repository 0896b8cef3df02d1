"""Scheduling of an optimised graph: the steps in order, and the live range of every value that needs memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lingon.program.expression import Expression
from lingon.program.fuse import blockwise, fuse, unfused
from lingon.program.loop_step import Build, loop_step
from lingon.program.memory import Life
from lingon.program.operators import OPERATORS
from lingon.program.plan_steps import BlockStep, CallStep, CopyStep, PlanStep, ViewStep, block_step
from lingon.program.text import formula
from lingon.program.threads import workers


@dataclass(frozen=True)
class ScheduledSteps:
    """Steps in order, the values of the program's results, and the expression of every value that owns memory."""

    steps: list[PlanStep]
    results: list[int]
    owned: dict[int, Expression]


def schedule(
    nodes: Sequence[Expression], roots: Sequence[Expression], number: Mapping[int, int], build: Build, fused: bool
) -> ScheduledSteps:
    """Return the steps that compute the roots. nodes: of the graph, in topological order. number: of each value."""
    groups: list[list[Expression]] = (fuse if fused else unfused)(nodes)
    home = {id(node): g for g, members in enumerate(groups) for node in members}
    needed = {id(root) for root in roots}
    needed |= {id(i) for node in nodes for i in node.inputs if home[id(i)] != home[id(node)]}
    steps = [_step(members, nodes, number, needed, build) for members in groups]
    return _with_copies([step for step in steps if step is not None], nodes, roots, number)


def _step(
    group: list[Expression], nodes: Sequence[Expression], number: Mapping[int, int], needed: set[int], build: Build
) -> PlanStep | None:
    node = group[0]
    if node.op in ("variable", "constant", "item"):
        return None
    if blockwise(node):
        return block_step(group, number, needed, workers.count)
    if node.op == "scan":
        return loop_step(node, [n for n in nodes if n.op == "item" and n.inputs[0] is node], number, build)
    inputs = tuple(number[id(i)] for i in node.inputs)
    if OPERATORS[node.op].view:
        return ViewStep((node,), inputs, number[id(node)])
    return CallStep((node,), inputs, (number[id(node)],))


def _with_copies(
    steps: list[PlanStep], nodes: Sequence[Expression], roots: Sequence[Expression], number: Mapping[int, int]
) -> ScheduledSteps:
    """Add copies of results that are a view, an input or a duplicate, so that each result owns its memory."""
    owned = {o: nodes[o] for step in steps for o in step.outputs}
    results: list[int] = []
    for root in roots:
        value = number[id(root)]
        if value not in owned or value in results:
            copied = len(nodes) + len(results)
            steps.append(CopyStep((root,), (value,), (copied,)))
            owned[copied] = root
            value = copied
        results.append(value)
    return ScheduledSteps(steps, results, owned)


def live_ranges(plan: ScheduledSteps) -> tuple[list[int], list[Life]]:
    """Return the live range of each value that needs memory, in the order of birth."""
    below = _views(plan.steps)
    dies = {below.get(v, v): t for t, step in enumerate(plan.steps) for v in (*step.inputs, *step.outputs)}
    values = [o for step in plan.steps for o in step.outputs]
    place = {v: k for k, v in enumerate(values)}
    found = []
    for t, step in enumerate(plan.steps):
        # A step that also reads a value through a view reads it in another order, so it must not overwrite it.
        through = {below[i] for i in step.inputs if i in below}
        for o in step.outputs:
            pairs = step.over if isinstance(step, BlockStep) else frozenset()
            over = frozenset(place[a] for a, b in pairs if b == o and a in place and a not in through)
            kept = o in plan.results
            node = plan.owned[o]
            found.append(Life(formula(node, 3), node.type.nbytes, t, len(plan.steps) if kept else dies[o], kept, over))
    return values, found


def last_reads(plan: ScheduledSteps) -> list[list[int]]:
    """Return for each step the values that are not read after it, so that references to them can be dropped."""
    last: dict[int, int] = {}
    for t, step in enumerate(plan.steps):
        made = (step.result,) if isinstance(step, ViewStep) else ()
        last |= dict.fromkeys((*step.inputs, *step.outputs, *made), t)
    frees: list[list[int]] = [[] for _ in plan.steps]
    for v, t in last.items():
        if v not in plan.results:
            frees[t].append(v)
    return frees


def _views(steps: Sequence[PlanStep]) -> dict[int, int]:
    """Return for each view the value whose memory it shares."""
    below: dict[int, int] = {}
    for step in steps:
        if isinstance(step, ViewStep):
            below[step.result] = below.get(step.inputs[0], step.inputs[0])
    return below
