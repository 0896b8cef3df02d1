"""Rules of the house that a machine can check."""

import re
import subprocess
from pathlib import Path

import pytest

from lingon.tasks.registry import TASKS

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


def test_only_tasks_and_models_know_a_task_by_name():
    """Whatever else asks "which task is this?" asks `lingon.tasks.registry`; recipes are whole runs of one task."""
    names, classes = "|".join(TASKS), "Classifier|LanguageModel"
    asks = re.compile(
        rf"""(==|!=|\bin) *[(\[{{]?["']({names})["']|["']({names})["'] *(==|!=)|\bisinstance\([^)]*\b({classes})\b"""
    )
    assert all(asks.search(line) for line in ('kind == "classify"', "x in ('classify',)", "isinstance(x, Classifier)"))
    for path in (ROOT / "lingon").rglob("*.py"):
        if path.relative_to(ROOT / "lingon").parts[0] not in ("tasks", "models"):
            for line in path.read_text(encoding="utf-8").splitlines():
                assert not asks.search(line), (path, line)


def test_a_file_that_a_page_names_is_there():
    names = {path.name for path in tracked()}
    pages = [path for path in tracked() if path.suffix == ".md" and path.name not in ("log.md", "CHANGELOG.md")]
    gone = [
        f"{page.name}: {name}"
        for page in pages
        for name in re.findall(r"`[\w/]*?(\w+\.py)`", page.read_text(encoding="utf-8"))
        if name not in names
    ]
    assert gone == []
