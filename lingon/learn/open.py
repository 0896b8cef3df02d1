"""Makes the reader's own copy of a lesson, never over an older one, and opens it in JupyterLab."""

import importlib.util
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from lingon.core.errors import RunError, UserError
from lingon.core.files import atomic_write
from lingon.core.optional_packages import install_command, python_command
from lingon.learn.cells import as_percent
from lingon.learn.lessons import Lesson, course_folder, find_lesson


def open_lesson(number: str | int, folder: Path, browser: bool = True, plain: bool = False) -> Path:
    """Copies a lesson to the reader's folder unless a copy is there, opens it, and gives back its path.

    The copy is a notebook; with `plain`, or where nothing is installed that opens notebooks, it is a Python file with
    marked cells. A reader's copy of the other kind is where the new one begins. Raises UserError for an unknown lesson,
    or a folder inside the course itself; RunError when JupyterLab ends with an error.
    """
    lesson, folder = find_lesson(number), Path(folder)
    if folder.resolve().is_relative_to(course_folder().resolve()):
        raise UserError(f"{str(folder)!r} is where the lessons themselves lie; choose another --folder for your copies")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{str(folder)!r} is a file; --folder is the folder for your copies")
    copy, origin = copy_lesson(lesson, folder, plain)
    print(f"{origin}: {copy}")
    print(f"When you have done an exercise: lingon learn check {lesson.number}{_folder_option(folder)}")
    for line in advice(copy, lesson, _folder_option(folder)):
        print(line)
    if copy.suffix == ".ipynb" and browser and _installed("jupyterlab"):
        run_jupyterlab(copy)
    return copy


def copy_lesson(lesson: Lesson, folder: Path, plain: bool = False) -> tuple[Path, str]:
    """The reader's copy, and where it comes from, in words. What the reader wrote is never touched."""
    notebook, file = folder / f"{lesson.path.stem}.ipynb", folder / lesson.path.name
    wanted, other = (file, notebook) if plain or not _opens_notebooks() else (notebook, file)
    if wanted.exists():
        return wanted, "Your copy, as you left it"
    if other.exists():
        text = as_percent(other) if other == notebook else as_notebook(other)
        return _write(wanted, text), f"A copy that begins with what you wrote in {other.name}"
    text = lesson.path.read_text(encoding="utf-8") if wanted == file else as_notebook(lesson.path)
    return _write(wanted, text), "A fresh copy for you"


def as_notebook(path: Path) -> str:
    """The notebook of a py:percent file, as text."""
    import jupytext

    book = jupytext.read(path)
    # Without it JupyterLab asks which kernel to start.
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return jupytext.writes(book, fmt="ipynb")


def advice(copy: Path, lesson: Lesson, option: str = "") -> list[str]:
    """Lines that say how to work on a copy with what is installed, and what to install first."""
    lines, again = [], f"lingon learn open {lesson.number}{option}"
    if not _installed("matplotlib"):
        lines.append(f"Before you begin: lessons draw with matplotlib, which is not installed: {_install(lesson)}")
    elif not _installed("jupyterlab"):
        lines.append(f"To work in JupyterLab, install it: {_install(lesson)}; then: {again}")
    if copy.suffix == ".py":
        lines.append(
            f"Run it in any editor that knows cells (# %%), or whole: {python_command()} {shlex.quote(str(copy))}"
        )
    elif not _installed("jupyterlab"):
        lines.append(f"As a Python file for any editor: {again} --plain")
    return lines


def run_jupyterlab(copy: Path) -> None:
    """Opens a notebook in JupyterLab and waits until the reader closes it. Raises RunError for its exit code."""
    command = [sys.executable, "-m", "jupyterlab", str(copy)]
    if getattr(os, "geteuid", lambda: 1)() == 0:
        print("You are root: JupyterLab is started with --allow-root, reachable from this machine only (127.0.0.1).")
        command += ["--allow-root", "--ServerApp.ip=127.0.0.1"]
    child = subprocess.Popen(command)
    # Ctrl-C is JupyterLab's, which asks whether to close; without this it would be killed, and its kernels left alone.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = child.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    if code:
        raise RunError(f"JupyterLab ended with code {code}; your copy is {copy}, which any other notebook editor opens")


def _opens_notebooks() -> bool:
    """Whether a notebook can be made here, and something runs it: JupyterLab, or an editor with a kernel."""
    return _installed("jupytext") and _installed("ipykernel")


def _install(lesson: Lesson) -> str:
    """The command for what the course needs; in a clone with the environment of its Makefile, `make course`."""
    root = Path(__file__).resolve().parents[2]
    if (root / "Makefile").is_file() and Path.cwd() == root and Path(sys.prefix) == root / ".venv":
        return f"make course LESSON={lesson.number}"
    return install_command("course")


def _write(path: Path, text: str) -> Path:
    with atomic_write(path) as file:
        file.write(text)
    return path


def _folder_option(folder: Path) -> str:
    return "" if folder == Path("lessons") else f" --folder {shlex.quote(str(folder))}"


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
