"""Several tasks that share parts, such as heads over one encoder: kept in one bundle, each part once."""

from collections.abc import Iterator, Mapping
from typing import Any

from lingon.core.errors import UserError, unknown
from lingon.tasks.task import Task


class Heads(Mapping[str, Any]):
    """Tasks by name. Parts that are the same object in several of them are saved once, and are one object when loaded.

    >>> import lingon
    >>> heads = lingon.load("runs/heads")  # doctest: +SKIP
    >>> heads["topic"].predict(["A text."])  # doctest: +SKIP
    """

    name = "heads"

    def __init__(self, tasks: Mapping[str, Task]):
        if not tasks:
            raise UserError("there are no heads; give one or more tasks by name")
        self._tasks = dict(tasks)

    def __getitem__(self, name: str) -> Any:
        if name not in self._tasks:
            raise unknown("head", name, self._tasks)
        return self._tasks[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)

    def __contains__(self, name: object) -> bool:
        return name in self._tasks


def head_of(found: Any, name: str | None, source: object) -> Any:
    """Return what was loaded, or one of its heads. Raises UserError for a head of what is a single task.

    name: of the head; None is what was loaded itself. source: where it was loaded from, for the message.
    """
    if name is None:
        return found
    if not isinstance(found, Heads):
        raise UserError(f"{str(source)!r} holds a single task, which has no name; leave --head out")
    return found[name]
