"""Checks a reader's exercises, each in a process of its own with a time limit: no answer can hang the check."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lingon.core.errors import UserError
from lingon.core.files import read_json
from lingon.learn.cells import answer, code_cells
from lingon.learn.exercises import Exercise, Result, read_exercises
from lingon.learn.judge import endless, problem_with
from lingon.learn.lessons import Lesson, find_lesson

SECONDS = 20.0  # time for one exercise; its check takes less than one second
IMPORTS = 180.0  # more time until the whole process is stopped: imports on a busy machine


def check_lesson(
    number: str | int, folder: Path, hints: int = 1, seconds: float = SECONDS, course: Path | None = None
) -> list[Result]:
    """How each exercise stands in the reader's copy of a lesson, the newest of .ipynb and .py in `folder`.

    hints: how many to give for an exercise that does not pass. seconds: time for each exercise, imports not counted.
    Raises UserError when there is no such lesson, or no copy of it.
    """
    lesson = find_lesson(number, course)
    cells = code_cells(copy_of(lesson, folder))
    exercises = read_exercises(lesson.checks)

    # Only their processes run side by side: Python 3.11 now and then fails to read code in two threads at once.
    programs = [_program(cells, exercise.function) for exercise in exercises]

    def one(i: int) -> Result:
        program, problem = programs[i]
        problem = problem or _problem(lesson, i, exercises[i].function, program, seconds)
        return _result(lesson.number, i, exercises[i], hints, problem)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, range(len(exercises))))


def attempt(function: Callable, lesson: str | int, hints: int = 1) -> None:
    """Checks one function on the spot and prints the result: what a lesson's own cells call."""
    found = find_lesson(lesson)
    exercises = read_exercises(found.checks)
    names = [exercise.function for exercise in exercises]
    if function.__name__ not in names:
        raise UserError(f"lesson {found.number} has no exercise {function.__name__!r}; it has {', '.join(names)}")
    i = names.index(function.__name__)
    print(_result(found.number, i, exercises[i], hints, problem_with(function, exercises[i])))


def copy_of(lesson: Lesson, folder: Path) -> Path:
    """The reader's copy of a lesson: the one changed last, if there is a notebook and a Python file."""
    there = copies(lesson, folder)
    if not there:
        raise UserError(
            f"there is no copy of lesson {lesson.number} in {str(folder)!r}; "
            f"`lingon learn open {lesson.number}` makes one, or say --folder"
        )
    return max(there, key=lambda copy: copy.stat().st_mtime)


def copies(lesson: Lesson, folder: Path) -> list[Path]:
    """The copies of a lesson that are there: a notebook, a Python file, both or none."""
    both = [Path(folder) / f"{lesson.path.stem}{kind}" for kind in (".ipynb", ".py")]
    return [copy for copy in both if copy.is_file()]


def _result(lesson: str, i: int, exercise: Exercise, hints: int, problem: str) -> Result:
    shown = exercise.hints[: max(0, hints)] if problem else ()
    return Result(f"{lesson}.{i + 1}", exercise.title, not problem, problem, shown, len(exercise.hints))


def _program(cells: list[str], function: str) -> tuple[str, str]:
    """What is to be judged, or else why there is nothing."""
    try:
        return answer(cells, function), ""
    except UserError as error:
        return "", str(error)


def _problem(lesson: Lesson, i: int, function: str, program: str, seconds: float) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file, verdict = Path(folder, "answer.py"), Path(folder, "verdict.json")
        file.write_text(program, encoding="utf-8")
        command = [sys.executable, "-m", "lingon.learn.judge", lesson.checks, str(i), file, verdict, str(seconds)]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        try:
            done = subprocess.run(command, timeout=seconds + IMPORTS, **quiet)
        except subprocess.TimeoutExpired:
            return endless(function, seconds + IMPORTS)
        if not verdict.exists():
            return f"{function} ended the whole Python process (code {done.returncode}) instead of returning."
        return read_json(verdict)["problem"]
