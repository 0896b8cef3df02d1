"""Resource limits for untrusted chat templates: CPU time, iterations, and sizes of values."""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from functools import wraps
from typing import Any

SECONDS = 5.0  # of CPU time, for one rendering
ROUNDS = 50_000  # iterations of all loops and macros of one rendering together
LARGEST = 16 << 20  # characters or items of one value, and of the rendered text
LARGEST_NUMBER = 1_000  # as an argument of a filter or method, such as the width of an indent


class Exceeded(Exception):
    """A limit was exceeded."""


class Budget:
    """Resources used by one rendering."""

    def __init__(self) -> None:
        self.rounds, self.end = 0, time.thread_time() + SECONDS

    def round(self) -> str:
        self.rounds += 1
        if self.rounds > ROUNDS:
            raise Exceeded(f"its loops take more than {ROUNDS:,} rounds")
        self.check_time()
        return ""

    def check_time(self) -> None:
        if time.thread_time() > self.end:
            raise Exceeded(f"it takes more than {SECONDS:g} seconds")


budget: ContextVar[Budget] = ContextVar("budget")


def checked(value: Any) -> Any:
    """Return a value unchanged. Raises Exceeded if it is too large."""
    if isinstance(value, str | list | tuple | dict) and len(value) > LARGEST:
        raise Exceeded(f"a value in it has more than {LARGEST:,} characters or items")
    return value


def check_product(left: Any, right: Any) -> None:
    """Raise Exceeded for a product of numbers, or a text or list repeated, that would be too large."""
    for many, times in ((left, right), (right, left)):
        if isinstance(many, str | list | tuple) and isinstance(times, int) and len(many) * times > LARGEST:
            raise Exceeded(f"a value in it has more than {LARGEST:,} characters or items")
    if isinstance(left, int) and isinstance(right, int) and max(abs(left), abs(right)) > 1 << 64:
        raise Exceeded("it computes too large a number")


def check_call(name: str, text: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Raise Exceeded before a call of a filter or method whose result would be too large."""
    if any(isinstance(arg, int) and abs(arg) > LARGEST_NUMBER for arg in (*args, *kwargs.values())):
        raise Exceeded(f"{name} in it is given a number over {LARGEST_NUMBER:,}")
    if name == "format":
        check_format(text)
    if name == "replace" and len(args) >= 2:
        old, new = map(str, args[:2])
        if len(text) + text.count(old) * len(new) > LARGEST:
            raise Exceeded(f"replace in it makes more than {LARGEST:,} characters")
    if name == "join" and len(args) == 1 and isinstance(args[0], list | tuple):
        _check_join(text, args[0])


def _check_join(separator: str, items: Iterable[Any]) -> None:
    if sum(len(str(item)) + len(separator) for item in items) > LARGEST:
        raise Exceeded(f"join in it makes more than {LARGEST:,} characters")


def check_format(text: str) -> None:
    """Raise Exceeded for a format string with a large width."""
    if re.search(r"\d{4}|\*", text):
        raise Exceeded("it formats with a width over 999")


def bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that checks its arguments and its result."""
    first = 1 if getattr(function, "jinja_pass_arg", None) is not None else 0

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        budget.get().check_time()
        subject, more = args[first], args[first + 1 :]
        if name == "join":
            subject = list(subject)
            _check_join(str(more[0]) if more else str(kwargs.get("d", "")), subject)
            args = (*args[:first], subject, *more)
        else:
            check_call(name, str(subject) if name == "replace" else "", more, kwargs)
        return checked(function(*args, **kwargs))

    return call
