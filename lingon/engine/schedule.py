"""Learning rate schedules: stateless functions from the step to a factor.

Steps count from 0; the factor of step 0 is used for the first update. Since a schedule depends only on the step,
nothing else is needed to resume a run.
"""

import math
from collections.abc import Callable

from lingon.core.errors import UserError

Schedule = Callable[[int], float]


def constant_schedule() -> Schedule:
    """Return a schedule that is always 1."""
    return lambda step: 1.0


def linear(total: int, end: float = 0.0) -> Schedule:
    """Return a schedule that falls linearly from 1 at step 0 to `end` at step `total`, and stays there."""
    _positive("total", total)
    return lambda step: end + (1 - end) * (1 - min(step / total, 1))


def cosine(total: int, end: float = 0.0) -> Schedule:
    """Return half a cosine from 1 at step 0 to `end` at step `total`, then constant (Loshchilov 2017, eq. 5)."""
    _positive("total", total)
    return lambda step: end + (1 - end) * (1 + math.cos(math.pi * min(step / total, 1))) / 2


def inverse_sqrt(timescale: int = 1) -> Schedule:
    """Return the schedule sqrt(timescale / (timescale + step)); after `warmup`, that of Vaswani 2017, section 5.3."""
    _positive("timescale", timescale)
    return lambda step: math.sqrt(timescale / (timescale + step))


def warmup(steps: int, then: Schedule) -> Schedule:
    """Return a linear rise to 1 within `steps` steps, followed by the schedule `then`, which starts at its step 0.

    A run of 100 steps that falls to zero is `warmup(10, linear(90))`.

    >>> rise = warmup(4, constant_schedule())
    >>> [rise(step) for step in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """
    if steps < 0:
        raise UserError(f"warm-up steps is {steps}, expected 0 or more")
    return lambda step: (step + 1) / steps if step < steps else then(step - steps)


def _positive(name: str, value: float) -> None:
    if value <= 0:
        raise UserError(f"schedule: {name} is {value}, expected more than 0")
