"""Makes the reader's own copy of a lesson, never over an older one, and opens it in JupyterLab."""

import importlib.util
import subprocess
import sys
from pathlib import Path

from lingon.core.errors import UserError
from lingon.core.files import atomic_write
from lingon.learn.lessons import Lesson, course_folder, find_lesson

INSTALL = "pip install 'lingon[course]'"


def open_lesson(number: str | int, folder: Path, browser: bool = True, plain: bool = False) -> Path:
    """Copies a lesson to the reader's folder unless a copy is there, opens it, and gives back its path.

    The copy is a notebook; with `plain`, or without jupytext, it is a Python file with marked cells. Raises UserError
    for an unknown lesson, or a folder inside the course itself.
    """
    lesson, folder = find_lesson(number), Path(folder)
    if folder.resolve().is_relative_to(course_folder().resolve()):
        raise UserError(f"{str(folder)!r} is where the lessons themselves lie; choose another --folder for your copies")
    copy, found = copy_lesson(lesson, folder, plain)
    print(f"{'Your copy, as you left it' if found else 'A fresh copy for you'}: {copy}")
    print(f"When you have done an exercise: lingon learn check {lesson.number}{_folder_option(folder)}")
    if not _installed("jupyterlab"):
        print(f"To work on it in JupyterLab: {INSTALL}")
        if copy.suffix != ".py":
            print(f"As a Python file for any editor: lingon learn open {lesson.number} --plain{_folder_option(folder)}")
    elif copy.suffix != ".py" and browser:
        subprocess.run([sys.executable, "-m", "jupyterlab", str(copy)], check=False)
    return copy


def copy_lesson(lesson: Lesson, folder: Path, plain: bool = False) -> tuple[Path, bool]:
    """The reader's copy, and whether it was there before. What the reader wrote is never touched."""
    notebook, file = folder / f"{lesson.path.stem}.ipynb", folder / lesson.path.name
    wanted = (notebook, file) if _installed("jupytext") else (file, notebook)
    for copy in (file,) if plain else wanted:
        if copy.exists():
            return copy, True
    if plain or not _installed("jupytext"):
        return _write(file, lesson.path.read_text(encoding="utf-8")), False
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
