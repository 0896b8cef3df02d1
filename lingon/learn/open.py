"""Makes the reader's own copy of a lesson, never over an older one, and opens it in JupyterLab."""

import importlib.util
import subprocess
import sys
from pathlib import Path

from lingon.core.errors import UserError
from lingon.core.files import atomic_write
from lingon.learn.lessons import Lesson, course_folder, find_lesson

INSTALL = "pip install 'lingon[course]'"


def open_lesson(number: str | int, folder: Path, browser: bool = True) -> Path:
    """Copies a lesson to the reader's folder unless a copy is there, opens it, and gives back its path.

    The copy is a notebook; without jupytext it is the lesson's Python file. Raises UserError for an unknown lesson,
    or a folder inside the course itself.
    """
    lesson, folder = find_lesson(number), Path(folder)
    if folder.resolve().is_relative_to(course_folder().resolve()):
        raise UserError(f"{str(folder)!r} is where the lessons themselves lie; choose another --folder for your copies")
    copy, found = copy_lesson(lesson, folder)
    print(f"{'Your copy, as you left it' if found else 'A fresh copy for you'}: {copy}")
    print(f"When you have done an exercise: lingon learn check {lesson.number}{_folder_option(folder)}")
    if copy.suffix == ".py" or not _installed("jupyterlab"):
        print(f"To work on it in JupyterLab: {INSTALL}\nThe lesson as a plain Python file: {lesson.path}")
    elif browser:
        subprocess.run([sys.executable, "-m", "jupyterlab", str(copy)], check=False)
    return copy


def copy_lesson(lesson: Lesson, folder: Path) -> tuple[Path, bool]:
    """The reader's copy, and whether it was there before. What the reader wrote is never touched."""
    notebook, plain = folder / f"{lesson.path.stem}.ipynb", folder / lesson.path.name
    for copy in (notebook, plain) if _installed("jupytext") else (plain, notebook):
        if copy.exists():
            return copy, True
    if not _installed("jupytext"):
        return _write(plain, lesson.path.read_text(encoding="utf-8")), False
    return _write(notebook, as_notebook(lesson.path)), False


def as_notebook(path: Path) -> str:
    """The notebook of a py:percent file, as text."""
    import jupytext

    book = jupytext.read(path)
    # Without it JupyterLab asks which kernel to start.
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return jupytext.writes(book, fmt="ipynb")


def _write(path: Path, text: str) -> Path:
    with atomic_write(path) as file:
        file.write(text)
    return path


def _folder_option(folder: Path) -> str:
    return "" if folder == Path("lessons") else f" --folder {folder}"


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
