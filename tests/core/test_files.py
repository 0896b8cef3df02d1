"""Files are whole or not there."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from lingon.core.errors import DataError, UserError
from lingon.core.files import (
    TEMPORARY,
    atomic_folder,
    atomic_write,
    locked,
    read_bytes,
    read_json,
    remove_leftovers,
    write_json,
)

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
    remove_leftovers(tmp_path)
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


def test_json_that_cannot_be_written_leaves_no_file(tmp_path):
    with pytest.raises(TypeError):
        write_json(tmp_path / "x.json", {"loss": object()})
    assert not (tmp_path / "x.json").exists()


def test_an_error_names_the_file_that_was_wanted(tmp_path):
    (tmp_path / "taken").mkdir()
    with (
        pytest.raises(UserError, match=r"/taken' exists and is not a file"),
        atomic_write(tmp_path / "taken") as file,
    ):
        file.write("text")
    (tmp_path / "notes").write_text("a file")
    with pytest.raises(OSError, match=r"/notes/a.txt'$"), atomic_write(tmp_path / "notes" / "a.txt"):
        pass


@pytest.fixture
def umask():
    """Sets the umask, and puts the old one back."""
    old = os.umask(0o022)
    yield os.umask
    os.umask(old)


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mask", [0o077, 0o027, 0o022, 0o002])
def test_new_files_and_folders_have_the_mode_that_the_umask_leaves(mask, umask, tmp_path):
    umask(mask)
    write_json(tmp_path / "x.json", 1)
    with atomic_folder(tmp_path / "b") as fresh:
        assert mode_of(fresh) == 0o700  # nobody looks in before it is whole
        write_json(fresh / "x.json", 1)
        save_file({"x": np.zeros(3)}, fresh / "x.safetensors")  # which asks for a mode of its own
    assert mode_of(tmp_path / "x.json") == 0o666 & ~mask
    assert mode_of(tmp_path / "b") == 0o777 & ~mask
    assert {mode_of(p) for p in (tmp_path / "b").iterdir()} == {0o666 & ~mask}


def test_what_is_written_again_keeps_its_mode(tmp_path):
    (tmp_path / "b").mkdir(mode=0o700)
    for path in (tmp_path / "x", tmp_path / "b" / "x"):
        path.write_text("old")
        path.chmod(0o600)
    with atomic_write(tmp_path / "x") as file:
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600
        file.write("new")
    with atomic_folder(tmp_path / "b") as fresh:
        (fresh / "x").write_text("new")
        (fresh / "y").write_text("new")
    assert [mode_of(tmp_path / name) for name in ("x", "b/x", "b")] == [0o600, 0o600, 0o700]
    assert (tmp_path / "x").read_text() == (tmp_path / "b" / "x").read_text() == "new"


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "x").symlink_to(tmp_path / "there" / "x")
    (tmp_path / "b").symlink_to(tmp_path / "there" / "b")
    for text in ("first", "second"):
        with atomic_write(tmp_path / "x") as file:
            file.write(text)
        with atomic_folder(tmp_path / "b") as fresh:
            (fresh / "y").write_text(text)
        assert (tmp_path / "x").is_symlink()
        assert (tmp_path / "b").is_symlink()
        assert [(tmp_path / "there" / name).read_text() for name in ("x", "b/y")] == [text, text]
    assert sorted(os.listdir(tmp_path / "there")) == ["b", "x"]


def test_what_is_no_file_is_not_replaced_by_one(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    for name in ("pipe", "folder"):
        with pytest.raises(UserError, match="exists and is not a file, so it is not overwritten"):
            write_json(tmp_path / name, 1)
    with pytest.raises(UserError, match="exists and is not a folder"), atomic_folder(tmp_path / "file"):
        pass
    assert sorted(os.listdir(tmp_path)) == ["file", "folder", "pipe"]
    assert (tmp_path / "file").read_text() == "mine"


def test_devices_pipes_and_folders_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(DataError, match=f"^{path}: not a regular file"):
            read_json(path)


def test_no_more_is_read_than_the_limit(tmp_path):
    (tmp_path / "x").write_bytes(b"1" * 11)
    assert read_bytes(tmp_path / "x", 11) == b"1" * 11
    with pytest.raises(DataError, match="11 bytes; at most 7 are read as JSON"):
        read_json(tmp_path / "x", limit=7)


def test_a_lock_that_another_holds_is_told_before_it_is_waited_for(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("LINGON_QUIET", raising=False)
    with locked(tmp_path, "training"), pytest.raises(UserError, match="in use"), locked(tmp_path, "a test", wait=1.5):
        pass
    assert f"{tmp_path} is in use by another process (a test); waiting for it, 2 s at most" in capsys.readouterr().err
