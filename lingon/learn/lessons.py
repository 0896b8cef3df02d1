"""Where the lessons lie, and what each is called."""

import re
from dataclasses import dataclass
from pathlib import Path

from lingon.core.errors import UserError, one_of, unknown

HEAD = re.compile(r"# # (\d\d)\. (.+)\n#\n# \*\*(.+\?)\*\*")  # number, title and question open every lesson


@dataclass(frozen=True)
class Lesson:
    """One lesson of the course: a file `NN_topic.py` in py:percent format."""

    number: str
    title: str
    question: str
    path: Path

    @property
    def checks(self) -> Path:
        """The file with the checks, hints and solutions of its exercises."""
        return self.path.parent / "checks" / f"{self.number}.py"


def course_folder() -> Path:
    """The folder of the lessons: inside the installed package, or at the root of a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "course", package.parent / "course"):
        if any(folder.glob("[0-9][0-9]_*.py")):
            return folder
    raise UserError(f"the lessons are not in {package / 'course'}; install lingon again, or work in a checkout")


def lessons(folder: Path | None = None) -> list[Lesson]:
    """All lessons in order; `folder` is the course's own unless another is given."""
    return [_read(path) for path in sorted((folder or course_folder()).glob("[0-9][0-9]_*.py"))]


def find_lesson(number: str | int, folder: Path | None = None) -> Lesson:
    """The lesson of a number: 7, "7", "07", "07_text_cnn" and "cnn" are the same. Raises UserError if there is none."""
    known = lessons(folder)
    said = Path(str(number).lower().strip()).stem  # of lessons/07_text_cnn.py too, and of 07.2, an exercise
    digits = re.match(r"[0-9]+(?![^_])", said)
    wanted = digits.group().zfill(2) if digits else said
    matching = [lesson for lesson in known if wanted and wanted in (lesson.number if digits else lesson.path.stem)]
    if len(matching) == 1:
        return matching[0]
    if digits:
        raise UserError(f"there is no lesson {wanted}; the course has {lesson_numbers(known)} (lingon learn list)")
    if matching:
        raise UserError(f"{said!r} is in the names of {one_of(lesson.path.stem for lesson in matching)}; say which")
    raise unknown("lesson", str(number), [lesson.path.stem for lesson in known])


def lesson_numbers(known: list[Lesson]) -> str:
    """The numbers of lessons in words, as "00 to 11 and 13"."""
    runs: list[list[Lesson]] = []
    for lesson in known:
        if runs and int(lesson.number) == int(runs[-1][-1].number) + 1:
            runs[-1].append(lesson)
        else:
            runs.append([lesson])
    names = [f"{run[0].number} to {run[-1].number}" if len(run) > 1 else run[0].number for run in runs]
    return " and ".join([", ".join(names[:-1])] * (len(names) > 1) + names[-1:])


def _read(path: Path) -> Lesson:
    head = HEAD.search(path.read_text(encoding="utf-8"))
    assert head, f"{path.name} does not open with its number, title and question"
    assert path.name.startswith(head[1]), f"{path.name} says that its number is {head[1]}"
    return Lesson(head[1], head[2], head[3], path)
