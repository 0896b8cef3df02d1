"""Tests that lack their data are skipped loudly: counted, and with what to do about it."""

import subprocess
import sys
from pathlib import Path

TESTS = """
import pytest
from lingon.core.errors import FetchError, NoNetwork

@pytest.fixture
def corpus():
    raise NoNetwork("mine: could not be fetched")

@pytest.mark.data
def test_of_a_fixture(corpus):
    pass

@pytest.mark.data
def test_of_a_body():
    raise NoNetwork("mine: could not be fetched")

@pytest.mark.data
def test_of_a_file_that_is_gone():
    raise FetchError("HTTP 404")

def test_that_is_not_marked():
    raise NoNetwork("mine: could not be fetched")

@pytest.mark.skip(reason="of another kind")
def test_skipped_by_itself():
    pass
"""


def run(folder: Path, *arguments: str) -> str:
    (folder / "conftest.py").write_text((Path(__file__).parent / "conftest.py").read_text(encoding="utf-8"))
    (folder / "test_mine.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = data: needs data\n")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, "test_mine.py"]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=120).stdout


def test_a_test_without_its_data_is_skipped_and_counted(tmp_path):
    said = run(tmp_path, "-rs")
    assert "2 failed, 3 skipped" in said  # a file that is gone, and the test that did not say that it needs data
    assert "2 tests were skipped for want of data" in said
    assert "`lingon data mirror FOLDER`" in said
    assert "no data: mine: could not be fetched" in said


def test_the_count_is_right_with_several_processes(tmp_path):
    assert "2 tests were skipped for want of data" in run(tmp_path, "-n", "2")


def test_nothing_is_said_when_all_data_is_there(tmp_path):
    assert "for want of data" not in run(tmp_path, "-k", "by_itself")
