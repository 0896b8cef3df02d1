"""Loops as libraries: the numbers of the loop itself, made once, made again when damaged, and done without."""

import contextlib
import os
import shlex
import subprocess
import sys
import warnings

import numpy as np
import pytest

from lingon.doctor import compiled_loops
from lingon.kernels import aot_compile
from lingon.kernels.aot_compile import call_loop, linker, load_loop
from lingon.kernels.failed_compiles import failed_compiles

pytestmark = pytest.mark.skipif(not linker() or sys.platform == "win32", reason="there is no C compiler to link with")

PROGRAM = """
import sys
from pathlib import Path
import numpy as np
from numba import carray
from lingon.kernels.aot_compile import write_library

by = int(sys.argv[1])

def loop(places, sizes, numbers):
    table = carray(places[0], (sizes[0], 3), np.float32)
    for i in range(sizes[0]):
        for j in range(3):
            table[i, j] *= by
            numbers[0] += np.exp(table[i, j])

write_library(loop, Path(sys.argv[2]))
"""


@pytest.fixture
def tripled(tmp_path, monkeypatch):
    monkeypatch.setenv("LINGON_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tripled.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return lambda: load_loop("tripled", 3, [tmp_path / "tripled.py"])


def test_a_library_computes_what_its_loop_says(tripled):
    table = np.arange(15, dtype=np.float32).reshape(5, 3) / 7
    wanted = table * 3
    assert call_loop(tripled(), [table], [5], [0.5])[0] == pytest.approx(0.5 + np.exp(wanted).sum(), rel=1e-5)
    np.testing.assert_array_equal(table, wanted)


def test_it_is_made_once_and_again_when_damaged_or_when_its_source_has_changed(tripled, tmp_path, monkeypatch):
    assert tripled() is not None
    (made,) = (tmp_path / "cache" / "loops").glob("*.so")
    first = made.stat().st_mtime_ns
    assert tripled() is not None
    assert made.stat().st_mtime_ns == first
    damaged = tmp_path / "other" / "loops" / made.name  # elsewhere, because what a process has opened stays open
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"not a library")
    with monkeypatch.context() as other:
        other.setenv("LINGON_CACHE", str(tmp_path / "other"))
        assert tripled() is not None
    assert damaged.stat().st_size == made.stat().st_size
    (tmp_path / "tripled.py").write_text(PROGRAM + "\n")
    assert tripled() is not None
    assert len(list(made.parent.glob("tripled-*.so"))) == 2


def test_what_others_could_have_written_is_not_opened(tripled, tmp_path):
    assert tripled() is not None
    (made,) = (tmp_path / "cache" / "loops").glob("*.so")
    made.chmod(0o666)
    assert aot_compile._opened(made) is None


@pytest.mark.parametrize("place", ["cache", "cache/loops"])
def test_from_a_folder_that_others_can_write_to_nothing_is_run(place, tripled, tmp_path):
    """Whoever can write there can put another library in its place, between the check and the opening."""
    assert tripled() is not None
    (tmp_path / place).chmod(0o777)
    with pytest.warns(UserWarning, match=f"{tmp_path / place} is writable by others"):
        assert tripled() is None
    (tmp_path / place).chmod(0o700)
    assert tripled() is not None


def test_a_new_cache_that_others_can_write_to_is_told_before_anything_is_compiled(tripled, tmp_path, monkeypatch):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o777)
    monkeypatch.setattr(aot_compile, "_make", lambda *given: pytest.fail("it was compiled"))
    with pytest.warns(UserWarning, match=f"{tmp_path / 'cache'} is writable by others"):
        assert tripled() is None


def test_a_link_is_not_followed_and_what_was_checked_is_what_is_opened(tripled, tmp_path, monkeypatch):
    assert tripled() is not None
    (made,) = (tmp_path / "cache" / "loops").glob("*.so")
    (link := made.with_name("link.so")).symlink_to(made)
    assert aot_compile._opened(link) is None
    kept = made.with_name("kept")

    def swapped(folder):  # another one takes the place after the check of the file
        made.rename(kept)
        made.write_bytes(b"not a library")

    monkeypatch.setattr(aot_compile, "_writable_by_others", swapped)
    assert aot_compile._opened(made) is not None or not sys.platform.startswith("linux")


def test_a_library_is_opened_whatever_the_umask(tripled):
    old = os.umask(0o002)
    try:
        assert tripled() is not None
    finally:
        os.umask(old)


def test_a_failure_is_told_beside_it_and_not_tried_again(tripled, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    with pytest.warns(UserWarning, match=r"the loop of tripled could not be compiled \(.*No module named tripled\)"):
        assert tripled() is None
    (said,) = (tmp_path / "cache" / "loops").glob("*.failed")
    assert "No module named tripled" in said.read_text()
    with monkeypatch.context() as again:
        again.setattr(aot_compile, "_make", lambda *given: pytest.fail("it was tried again"))
        assert tripled() is None
    said.unlink()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert tripled() is not None


def test_a_failing_compiler_is_told_once_and_another_one_is_tried(tripled, tmp_path, monkeypatch):
    compiler = tmp_path / "mycc"
    compiler.write_text("#!/bin/sh\necho 'mycc: no space for output' >&2\nexit 3\n")
    compiler.chmod(0o755)
    usual = shlex.join(linker())
    monkeypatch.setenv("CC", str(compiler))
    with pytest.warns(UserWarning, match="mycc cannot link it: mycc: no space for output") as told:
        assert tripled() is None
    assert "is deleted" in str(told[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # told once
        assert tripled() is None
    (row,) = compiled_loops()
    assert row[0] == "compiled loops"
    assert "tripled could not be compiled" in row[1]
    assert "no space for output" in row[1]
    assert str(next((tmp_path / "cache" / "loops").glob("*.failed"))) in row[3]
    compiler.write_text(f'#!/bin/sh\nexec {usual} "$@"\n')  # the same name, another version
    assert tripled() is not None
    assert [row[2] for row in compiled_loops()] == ["ok"]
    monkeypatch.setenv("CC", "no-such-compiler")
    assert [row[1] for row in compiled_loops()] == ["no C compiler"]


def test_a_failure_with_another_numba_is_forgotten(tripled, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    versions = iter(["1", "1", "2", "2"])
    monkeypatch.setattr(aot_compile, "version", lambda name: next(versions))
    for _ in range(2):
        with pytest.warns(UserWarning, match="could not be compiled"):
            assert tripled() is None
        assert len(failed_compiles()) == 1


@pytest.mark.parametrize("lack", ["compiler", "program", "place"])
def test_where_none_can_be_made_there_is_none(tripled, tmp_path, monkeypatch, lack):
    warned = contextlib.nullcontext()
    if lack == "compiler":
        monkeypatch.setenv("CC", "no-such-compiler")
    elif lack == "program":
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
        warned = pytest.warns(UserWarning, match="No module named tripled")
    else:
        (tmp_path / "cache").write_text("a file where the folder should be")
    with warned:
        assert tripled() is None


def test_nothing_that_numba_names_is_left_open(tmp_path, monkeypatch):
    """What the stubs of a library do not cover would keep it from being opened with another numba."""
    monkeypatch.setenv("LINGON_CACHE", str(tmp_path))
    code = "from lingon.word_vectors.train import word2vec_loops as w\n"
    code += "print(w.load_loop(w.__name__, 16, w.SOURCES) is not None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True", done.stderr
