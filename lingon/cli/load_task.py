"""What a command loads: the task of a bundle that it can do something with, or one of several heads."""

import copy
import inspect
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from typer import Option

from lingon.core.errors import UserError

Head = Annotated[str | None, Option(help="Name of the head, for a bundle with several tasks.")]

Precision = Annotated[
    str,
    Option(
        help="Precision of matrix products on a CPU: float32 (default); bfloat16 and int8 are faster and "
        "nearly the same; auto is bfloat16 where the processor has it and it gives equal results."
    ),
]


def load_for(command: str | None, source: str, device: str, head: str | None = None, precision: str = "float32") -> Any:
    """Load a task. Raises UserError, with a command that works, when this one does not take it; None takes any.

    precision: in which it predicts and evaluates; only tasks on an encoder support others than float32.
    """
    import lingon
    from lingon.tasks.heads import head_of
    from lingon.tasks.require import require

    task = head_of(lingon.load(source, device), head, source)
    require(task, command, source)
    if precision == "float32":
        return task
    refuse_option(task, source, "precision", "with_precision")
    return task.with_precision(precision)


def refuse_option(task: Any, source: str, name: str, method: str) -> None:
    """Raise UserError, naming those that do, unless a method of the task takes an option of this name."""
    from lingon.tasks.registry import TASKS, task_of

    if _takes(task, method, name):
        return
    others = [row.noun for key, row in TASKS.items() if _takes(task_of(key), method, name)]
    for_whom = " and ".join(f"{noun.replace('-', ' ')}s" for noun in others)
    raise UserError(f"{source!r} is {TASKS[task.name].a_noun}; --{name} is for {for_whom}")


def with_options(task: Any, source: str, options: Mapping[str, Any]) -> Any:
    """Return a task that predicts with these options, of which None are not given; see `refuse_option`."""
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        refuse_option(task, source, name, "predict")
    if not given:
        return task
    found = copy.copy(task)
    found.predict = partial(task.predict, **given)
    return found


def _takes(task: Any, method: str, name: str) -> bool:
    return hasattr(task, method) and name in inspect.signature(getattr(task, method)).parameters
