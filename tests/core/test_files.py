"""Files are whole or not there."""

import os
import subprocess
import sys

import pytest

from lingon.core.errors import DataError
from lingon.core.files import TEMPORARY, atomic_folder, atomic_write, locked, read_json, sweep, write_json

KILLED_AT = """
import os, signal, sys
from pathlib import Path
from lingon.core import files
count = 0
real = os.replace
def replace(a, b):
    global count
    count += 1
    if count == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    real(a, b)
os.replace = replace
with files.atomic_folder(Path(sys.argv[1])) as fresh:
    (fresh / "x").write_text("new")
"""


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "x"
    path.write_text("old")

    def fail():
        with atomic_write(path) as file:
            file.write("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize("at", [1, 2])
def test_a_killed_folder_is_the_old_or_the_new_one_after_the_sweep(tmp_path, at):
    path = tmp_path / "bundle"
    path.mkdir()
    (path / "x").write_text("old")
    subprocess.run([sys.executable, "-c", KILLED_AT, str(path), str(at)], check=False)
    sweep(tmp_path)
    assert (path / "x").read_text() == "old"
    assert os.listdir(tmp_path) == ["bundle"]


def test_a_folder_takes_the_place_of_the_old_one(tmp_path):
    for text in ("old", "new"):
        with atomic_folder(tmp_path / "b") as fresh:
            (fresh / "x").write_text(text)
    assert (tmp_path / "b" / "x").read_text() == "new"
    assert not list(tmp_path.glob(TEMPORARY + "*"))


def test_a_second_process_is_refused(tmp_path):
    code = f"from lingon.core.files import locked\nwith locked({str(tmp_path)!r}, 'training'): pass"
    with locked(tmp_path, "training"):
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "is in use by another process (training)" in other.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{\n 1", r"x\.json:2: not JSON"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"", "not JSON"),
        (b"[" * 200_000, "nested too deeply|not JSON"),
        (b" " * 2000, "at most 1,000 are read"),
    ],
)
def test_broken_json_names_file_and_line(tmp_path, content, message):
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_json(tmp_path / "x.json", limit=1000 if len(content) == 2000 else 1 << 20)


def test_json_cannot_say_nan(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"loss": float("nan")})
    assert not (tmp_path / "x.json").exists()


def test_an_error_names_the_file_that_was_wanted(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match=r"/taken'$"), atomic_write(tmp_path / "taken") as file:
        file.write("text")
    (tmp_path / "notes").write_text("a file")
    with pytest.raises(OSError, match=r"/notes/a.txt'$"), atomic_write(tmp_path / "notes" / "a.txt"):
        pass
