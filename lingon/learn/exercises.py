"""An exercise: a function for the reader to write, a check with words, hints, and one solution."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson.

    check: takes the reader's function, raises AssertionError with words when something is wrong.
    solution: a function that passes; the reader's function has its name and arguments.
    """

    title: str
    check: Callable[[Callable], None]
    hints: tuple[str, ...]
    solution: Callable

    @property
    def function(self) -> str:
        """Name of the function that the reader writes."""
        return self.solution.__name__


@dataclass(frozen=True)
class Result:
    """Result of one exercise: passed, or what is wrong and the hints so far."""

    exercise: str
    title: str
    passed: bool
    problem: str = ""
    hints: tuple[str, ...] = ()
    of: int = 0

    def __str__(self) -> str:
        if self.passed:
            return f"{self.exercise}  {self.title}: passed"
        lines = [f"{self.exercise}  {self.title}: not yet. {self.problem}"]
        lines += [f"      hint {i} of {self.of}: {hint}" for i, hint in enumerate(self.hints, 1)]
        return "\n".join(lines)


def read_exercises(checks: Path) -> list[Exercise]:
    """The exercises of a lesson, from its file of checks (`EXERCISES`, in the order of the lesson)."""
    return list(load_file(checks).EXERCISES)


def load_file(path: Path) -> ModuleType:
    """Runs a Python file as a module of its own. Only for files of the course and of the reader."""
    spec = importlib.util.spec_from_file_location(f"lesson_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
