"""What a command loads: the task of a bundle that it can do something with, or one of several heads."""

import inspect
from typing import Annotated, Any

from typer import Option

from lingon.core.errors import UserError

Head = Annotated[str | None, Option(help="Name of the head, for a bundle with several tasks.")]


def load_for(command: str | None, source: str, device: str, head: str | None = None) -> Any:
    """Load a task. Raises UserError, with a command that works, when this one does not take it; None takes any."""
    import lingon
    from lingon.tasks.heads import head_of
    from lingon.tasks.registry import require

    task = head_of(lingon.load(source, device), head, source)
    require(task, command, source)
    return task


def refuse_option(task: Any, source: str, name: str, method: str) -> None:
    """Raise UserError unless a method of the task takes an option of this name."""
    from lingon.tasks.registry import TASKS

    if name in inspect.signature(getattr(task, method)).parameters:
        return
    raise UserError(f"{source!r} is a {TASKS[task.name].noun}; --{name} is for language models")
