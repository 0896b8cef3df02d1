"""Rules of the house that a machine can check."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def test_only_text_files_and_none_is_large():
    for path in tracked():
        data = path.read_bytes()
        assert len(data) <= 200_000, path
        assert b"\0" not in data, path


def test_every_module_begins_with_a_sentence_that_says_what_it_is_for():
    for path in tracked():
        if path.suffix == ".py" and path.parts[-2] != "lingon" and "lingon" in path.parts and path.stat().st_size:
            assert re.match(r'r?"""\S.*[.:]', path.read_text(encoding="utf-8")), path


def test_no_file_names_a_place_on_a_machine():
    homes = re.compile("/" + r"(?:home|root|Users)/\w|" + "/" + r"work/\w")
    for path in tracked():
        assert not homes.search(path.read_text(encoding="utf-8")), path
