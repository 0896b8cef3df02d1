"""Checks a reader's exercises, each in a process of its own with a time limit: no answer can hang the check."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lingon
from lingon.core.errors import UserError
from lingon.core.files import read_json
from lingon.learn.cells import code_cells, is_begun
from lingon.learn.exercises import Exercise, Result, read_exercises
from lingon.learn.lessons import Lesson, find_lesson
from lingon.learn.run_check import problem_with
from lingon.learn.slicing import answer

SECONDS = 20.0  # time for one exercise; its check takes less than one second
IMPORTS = 180.0  # more time until the whole process is stopped: imports on a busy machine


def check_lesson(
    number: str | int, folder: Path, hints: int = 1, seconds: float = SECONDS, course: Path | None = None
) -> list[Result]:
    """How each exercise stands in the reader's copy of a lesson, the one in `folder` that `copy_of` finds.

    Each answer runs in the copy's folder, with what it uses of the copy's other cells (`slicing.answer`).
    hints: how many to give for an exercise that does not pass. seconds: time for each exercise, imports not counted.
    Raises UserError when there is no such lesson, or no copy of it.
    """
    lesson = find_lesson(number, course)
    copy = copy_of(lesson, folder)
    cells = code_cells(copy)
    exercises = read_exercises(lesson.checks)

    # Only their processes run side by side: Python 3.11 now and then fails to read code in two threads at once.
    programs = [_program(cells, exercise.function) for exercise in exercises]

    def one(i: int) -> Result:
        program, problem = programs[i]
        problem = problem or _problem(lesson, i, exercises[i].function, program, seconds, copy.parent)
        return _result(lesson.number, i, exercises[i], hints, problem)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, range(len(exercises))))


def attempt(function: Callable, lesson: str | int, hints: int = 1) -> None:
    """Checks one function on the spot and prints the result: what a lesson's own cells call."""
    found = find_lesson(lesson)
    exercises = read_exercises(found.checks)
    names = [exercise.function for exercise in exercises]
    name = getattr(function, "__name__", type(function).__name__)
    if name not in names:
        raise UserError(
            f"lesson {found.number} has no exercise {name!r}; it has {', '.join(names)}, each to be written as a `def`"
        )
    i = names.index(name)
    print(_result(found.number, i, exercises[i], hints, problem_with(function, exercises[i])))


def copy_of(lesson: Lesson, folder: Path) -> Path:
    """The reader's copy of a lesson. Of a notebook and a Python file, the one changed last that holds an answer."""
    there = copies(lesson, folder)
    if Path(folder).is_file():
        raise UserError(f"{str(folder)!r} is a file; --folder is the folder of your copies")
    if not there:
        raise UserError(
            f"there is no copy of lesson {lesson.number} in {str(folder)!r}; "
            f"`lingon learn open {lesson.number}` makes one, or say --folder"
        )
    if len(there) == 1:
        return there[0]
    functions = [exercise.function for exercise in read_exercises(lesson.checks)]
    begun = [copy for copy in there if any(is_begun(code_cells(copy), function) for function in functions)]
    return (begun or there)[0]


def judged(lesson: Lesson, folder: Path) -> str:
    """One line that says which copy of a lesson is judged, and why where there are two."""
    copy = copy_of(lesson, folder)
    others = [other.name for other in copies(lesson, folder) if other != copy]
    return f"Checking {copy}" + "".join(f", changed last of those with answers, not {other}" for other in others)


def copies(lesson: Lesson, folder: Path) -> list[Path]:
    """The copies of a lesson that are there, a notebook, a Python file, both or none; the one changed last first."""
    both = [Path(folder) / f"{lesson.path.stem}{kind}" for kind in (".ipynb", ".py")]
    return sorted((copy for copy in both if copy.is_file()), key=lambda copy: -copy.stat().st_mtime)


def _result(lesson: str, i: int, exercise: Exercise, hints: int, problem: str) -> Result:
    shown = exercise.hints[: max(0, hints)] if problem else ()
    return Result(f"{lesson}.{i + 1}", exercise.title, not problem, problem, shown, len(exercise.hints))


def _program(cells: list[str], function: str) -> tuple[str, str]:
    """What is to be judged, or else why there is nothing."""
    try:
        return answer(cells, function), ""
    except UserError as error:
        return "", str(error)


def _problem(lesson: Lesson, i: int, function: str, program: str, seconds: float, place: Path) -> str:
    """What is wrong with an answer, which runs in a process of its own in the folder `place`."""
    with tempfile.TemporaryDirectory() as folder:
        file, verdict = Path(folder, "answer.py"), Path(folder, "verdict.json")
        file.write_text(program, encoding="utf-8")
        checks = lesson.checks.resolve()
        command: list[str | Path] = [sys.executable, "-m", "lingon.learn.run_check", checks, str(i), file, verdict]
        silent = subprocess.DEVNULL
        # As in the notebook: the same files, modules and pictures, but no windows; and lingon wherever it was found.
        paths = [str(Path(lingon.__file__).parents[1]), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        found = {} if "site-packages" in paths[0] else {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        environment = {**os.environ, "MPLBACKEND": "Agg", **found}
        try:
            done = subprocess.run(
                [*command, str(seconds)],
                timeout=seconds + IMPORTS,
                cwd=place,
                env=environment,
                stdin=silent,
                stdout=silent,
                stderr=silent,
            )
        except subprocess.TimeoutExpired:
            return f"what {function} needs was stopped after {seconds + IMPORTS:g} s: does it use a training's result?"
        if not verdict.exists():
            return f"{function} ended the whole Python process (code {done.returncode}) instead of returning."
        return read_json(verdict)["problem"]
