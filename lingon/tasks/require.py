"""Whether a command takes a task; if not, the error that says which does."""

import shlex
from typing import Any

from lingon.core.errors import UserError
from lingon.tasks.registry import TASKS

# What a task does not do for which a command is not there.
LACKS = {
    "predict": "predicts nothing",
    "generate": "writes nothing",
    "logprob": "gives texts no probability",
    "embed": "gives texts no vectors",
    "ask": "answers no questions",
}
# Commands that are called as tasks are, which are listed once, above.
LACKS |= {"stylize": "paints no photos"}
LACKS |= {"translate": "translates nothing"}
LACKS |= {"chat": "holds no conversation"}


def require(task: Any, command: str | None, source: object) -> None:
    """Raise UserError, with a command that works, unless a command takes this task. source: where it was loaded from.

    command: None takes every task. What holds several heads has no row; which one is meant must be said.
    """
    if task.name not in TASKS:
        raise UserError(f"{str(source)!r} holds several tasks: {', '.join(task)}; name one of them with --head")
    row = TASKS[task.name]
    if command is None or command in row.commands:
        return
    if command not in LACKS:
        *others, last = (f"{other.noun}s" for other in TASKS.values() if command in other.commands)
        raise UserError(f"{str(source)!r} is {row.a_noun}; {', '.join(others)} and {last} can be {command}ed")
    usage = row.usage.format(shlex.quote(str(source)))
    raise UserError(f"{str(source)!r} is {row.a_noun}, which {LACKS[command]}; try: lingon {usage}")
