"""Runs one exercise's check on one function and says in words what is wrong; as a program, in a process of its own."""

import contextlib
import functools
import linecache
import os
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np

from lingon.core.errors import UserError
from lingon.core.files import write_json
from lingon.core.terminal import printable
from lingon.learn.exercises import Exercise, load_file, read_exercises

OUR_PLACE = re.compile(r", in line \d+ of [^:]*: .*$", re.DOTALL)  # what errors of lingon.scratch end with


class Unwritten(Exception):
    """The function gave nothing back, as the stub in the lesson does."""


def problem_with(function: Callable, exercise: Exercise) -> str:
    """What is wrong with the reader's function, in one line; empty when the check passes.

    Numbers may be Python's or NumPy's: a check that refuses NumPy's is asked once more, with Python's.
    """
    file = getattr(getattr(function, "__code__", None), "co_filename", "")
    numpy: list[np.generic] = []

    @functools.wraps(function)
    def plain(*arguments):
        return _plain(function(*arguments), numpy)

    problem = _problem(function, exercise, file)
    if problem and not _problem(plain, exercise, file) and numpy:
        return ""
    return problem


def _plain(value: Any, met: list[np.generic]) -> Any:
    """A value with the numbers of Python in place of NumPy's, which are added to `met`; in lists and the like too."""
    if isinstance(value, np.generic):
        met.append(value)
        return value.item()
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(_plain(one, met) for one in value)
    if type(value) is dict:
        return {_plain(key, met): _plain(one, met) for key, one in value.items()}
    return value


def _problem(function: Callable, exercise: Exercise, file: str) -> str:
    given_back: dict[str, Any] = {}  # by the last call, once it is over

    @functools.wraps(function)  # a check may look where the function comes from
    def watched(*arguments):
        given_back.clear()
        value = function(*arguments)
        if value is None:
            raise Unwritten
        given_back.update(value=value, arguments=arguments)
        return value

    try:
        exercise.check(watched)
    except Unwritten:
        return f"{exercise.function} returns None: replace `...` with your code, and end with a return."
    except AssertionError as error:
        return short_message(error) or f"The check found a wrong result{_where(error, file)}."
    except Exception as error:
        return (_unfit(error, exercise, **given_back) if given_back else "") or _said(error, file)
    return ""


def _unfit(error: Exception, exercise: Exercise, value: Any, arguments: tuple) -> str:
    """What is said when the check itself stumbles, over a value that is of another type or form than the solution's."""
    try:
        wanted, found = type(exercise.solution(*arguments)).__name__, type(value).__name__
    except Exception:  # the reader's function has changed what it was given
        return ""
    told = _short(repr(value))
    told = f"{exercise.function} gives back {told if len(told) <= 60 else told[:57] + '...'}"
    if wanted != found:
        return f"{told}, of type {found}; expected {wanted}."
    return f"{told}: a {found}, but of another form than expected ({_short(str(error))})."


def short_message(error: BaseException) -> str:
    """The message of an error, its line breaks and long ends cut off."""
    return _short(str(error))


def _short(text: str) -> str:
    text = printable(" ".join(text.split()))
    return text if len(text) <= 300 else text[:297] + "..."


def _said(error: BaseException, file: str) -> str:
    """The kind of an error, its message and the reader's line, which is named once: ours end with it already."""
    text = str(error)
    if isinstance(error, UserError):
        text = OUR_PLACE.sub("", text)
    return f"{type(error).__name__}: {_short(text)}{_where(error, file)}"


def _where(error: BaseException, file: str) -> str:
    mine = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    line = linecache.getline(file, mine[-1].lineno).strip() if mine and mine[-1].lineno else ""
    return f" (in your line: {line})" if line else ""


def endless(function: str, seconds: float) -> str:
    """What is said of a function that was stopped."""
    return f"{function} was stopped after {seconds:g} s: is there a loop without an end?"


def main(checks: str, number: str, answer: str, verdict: str, seconds: str) -> None:
    """Writes {"problem": ...} to `verdict`. No file means that the reader's code ended the process.

    seconds: time for the check itself; imports, which take long on a busy machine, do not count.
    """
    exercise = read_exercises(Path(checks))[int(number)]
    try:
        module = load_file(Path(answer))
    except Exception as error:
        problem = f"{_said(error, answer)}; this line runs before {exercise.function}"
    else:
        clock = Timer(float(seconds), _stop, (exercise.function, float(seconds), Path(verdict)))
        clock.daemon = True
        clock.start()
        problem = problem_with(getattr(module, exercise.function), exercise)
        clock.cancel()
    write_json(Path(verdict), {"problem": problem})


def _stop(function: str, seconds: float, verdict: Path) -> None:
    write_json(verdict, {"problem": endless(function, seconds)})
    os._exit(1)  # no exception of ours would end a loop of the reader's


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main(*sys.argv[1:])
