"""Every name of Lingon in the tables for those who come from other tools is there: flags and Python names."""

import importlib
import re
from pathlib import Path

import pytest
from typer.main import get_command

from lingon.cli.app import app

PAGES = sorted((Path(__file__).parents[2] / "docs" / "coming_from").glob("*.md"))


def ours(page: Path) -> list[str]:
    """The code in the last column of a page's tables."""
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [code for row in rows for code in re.findall(r"`([^`]+)`", row.split(" | ")[-1])]


NAMES = sorted({name for page in PAGES for name in ours(page) if name.startswith("lingon")})


def has_command(words: list[str]) -> bool:
    """Whether the command exists and has the flags among the words."""
    command = get_command(app)
    for word in (word for word in words if not word.startswith("-")):
        if word not in getattr(command, "commands", {}):
            return False
        command = command.commands[word]
    flags = {flag for parameter in command.params for flag in parameter.opts}
    return {word for word in words if word.startswith("-")} <= flags


def has_name(dotted: str) -> bool:
    """Whether a module, or an attribute of one, has that name."""
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part, None)
        return found is not None
    return False


def test_there_is_a_page_for_each_tool_and_each_has_names():
    assert {page.stem for page in PAGES} == {
        *("index", "gluonnlp", "torchtext", "hugging_face", "fasttext", "gensim", "scikit_learn")
    }
    assert all(len(ours(page)) >= 6 for page in PAGES if page.stem != "index")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_the_tables_exists(name):
    words = name.split()
    assert has_command(words[1:]) if words[0] == "lingon" else has_name(name)


@pytest.mark.parametrize("wrong", ["lingon.engine.fit.fitt", "lingon.no_such", "lingon trane", "lingon predict --fire"])
def test_a_wrong_name_would_be_noticed(wrong):
    words = wrong.split()
    assert not (has_command(words[1:]) if words[0] == "lingon" else has_name(wrong))
