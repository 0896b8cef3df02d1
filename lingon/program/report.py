"""A plan as text: the nodes of each step, and the memory of every value."""

from typing import Any

from lingon.program.expression import Expression
from lingon.program.operators import OPERATORS
from lingon.program.plan_steps import BlockStep, CopyStep, ViewStep
from lingon.program.text import formula


def without_sharing(plan: Any) -> int:
    """Return the bytes of all values without sharing, as if every line of a program were run by itself."""
    return sum(node.type.nbytes for node in plan.nodes if _own(node))


def _own(node: Expression) -> bool:
    return node.op == "item" or (node.op in OPERATORS and not OPERATORS[node.op].view)


def short_formula(node: Expression, depth: int = 6) -> str:
    """Return a formula of at most 80 characters."""
    said = formula(node, depth)
    return said if len(said) <= 80 else said[:77] + "..."


def report(plan: Any) -> str:
    """Return lines with the steps and their memory, and the total bytes with and without sharing."""
    given = ", ".join(f"{v.attributes['name']} {v.type}" for v in plan.inputs)
    lines = [f"plan for {given or 'no variables'}"]
    home = dict(zip(plan.values, plan.layout.buffer_of, strict=True))
    held: dict[int, str] = {}
    for t, step in enumerate(plan.steps, 1):
        kind = "view" if isinstance(step, ViewStep) else "copy" if isinstance(step, CopyStep) else "step"
        fused = (
            f"  ({len(step.nodes)} operators in one pass)"
            if isinstance(step, BlockStep) and len(step.nodes) > 1
            else ""
        )
        shown = [plan.owned[o] for o in step.outputs] or [step.nodes[-1]]
        lines.append(f"  {kind} {t}: {', '.join(short_formula(n) for n in shown)}{fused}")
        for o in step.outputs:
            b, node = home[o], plan.owned[o]
            over = f", where {held[b]} was" if b in held else ""
            lines.append(f"      {node.type}, {node.type.nbytes:,} bytes in buffer {b}{over}")
            held[b] = short_formula(node, 3)
    lines.append(f"memory beside the inputs: {without_sharing(plan):,} bytes if every value had its own")
    scratch = max((step.scratch for step in plan.steps), default=0)
    lines.append(
        f"                          {plan.peak:,} bytes as planned, {scratch:,} of them for blocks in the cache"
    )
    return "\n".join(lines)
