"""A check that there is enough memory for a program, before any is allocated."""

from lingon.core.errors import UserError
from lingon.program.plan import Plan


def check_memory(plan: Plan) -> None:
    """Raise UserError, naming the largest value, if a run would need more than this machine's memory."""
    if plan.peak < 1 << 30:
        return
    import psutil

    there = psutil.virtual_memory().total
    if plan.peak > there:
        largest = max(plan.lives, key=lambda life: life.nbytes)
        raise UserError(
            f"the program would take {plan.peak:,} bytes, and this machine has {there:,}; the largest value is "
            f"{largest.name} with {largest.nbytes:,}"
        )
