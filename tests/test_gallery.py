"""The gallery: every command of it parses, every picture is what a command writes, and the pages name them all."""

import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from gallery import FOLDER, exhibits
from gallery.__main__ import main, write_index
from lingon.cli.app import app

ROOT = Path(__file__).parent.parent
COMMANDS = [(name, command) for name, row in exhibits().items() for command in row.commands]


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_a_command_parses(name, command):
    program, *words = shlex.split(command)
    assert program == "lingon"
    found: Any = typer.main.get_command(app)
    context = found.make_context("lingon", [], resilient_parsing=True)
    while hasattr(found, "get_command"):
        word, *words = words
        found = found.get_command(context, word)
        assert found is not None, f"{word!r} is no command"
        context = found.make_context(word, [*words], context, resilient_parsing=hasattr(found, "get_command"))


@pytest.mark.parametrize("name", exhibits())
def test_a_picture_lies_where_a_command_writes(name):
    row = exhibits()[name]
    outs = [word for command in row.commands for word in shlex.split(command) if word.startswith(FOLDER)]
    assert any(row.picture == out or row.picture.startswith(f"{out}/") for out in outs)


def test_the_pages_name_all():
    page = (ROOT / "docs/gallery.md").read_text()
    for name, row in exhibits().items():
        assert f"| `{name}` | {row.minutes} |" in page
        assert row.title in page
    assert "python -m gallery" in (ROOT / "README.md").read_text()


def test_the_index_links_what_is_made(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "wave.html").write_text("made")
    page = write_index(exhibits()).read_text()
    assert '<a href="wave.html">' in page
    assert page.count("<a ") == 1
    assert page.count("Not made yet; it takes about ") == len(exhibits()) - 1
    assert "white-space:pre-wrap" in page, "no command is cut off"
    assert main([]) == 0
    assert "wave" in capsys.readouterr().out
    assert main(["wvae"]) == 2
    assert "did you mean 'wave'" in capsys.readouterr().err
