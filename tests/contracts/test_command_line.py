"""Every command ends a slip of the user's in one line on standard error and exit code 2: found by walking the tree."""

import io
import sys

import pytest
import typer

from lingon.cli.app import app, main


def commands(command, words=()):
    """(words, command) of all commands below one."""
    if hasattr(command, "commands"):
        for name, part in command.commands.items():
            yield from commands(part, (*words, name))
    else:
        yield list(words), command


COMMANDS = list(commands(typer.main.get_command(app)))


def name(value):
    return " ".join(value) if isinstance(value, list) else ""


def filled(command, value):
    """What a command must have, with one value everywhere: its arguments, --data and other required options."""
    words = []
    for parameter in command.params:
        needed = parameter.required or parameter.name in ("data", "file", "vectors")
        if needed and parameter.param_type_name == "argument":
            words.append(value)
        elif needed and not parameter.is_flag:
            words += [parameter.opts[0], value]
    return words


MAKES = ["data", "mirror"]  # takes a folder that it makes
# Others take no file.
FILES = [(words, command) for words, command in COMMANDS if filled(command, "x") and words != MAKES]


def ends_in_one_line(words, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    said = capsys.readouterr().err
    assert end.value.code == 2, said
    assert said.startswith("lingon: ")
    assert said.count("\n") == 1
    assert "Traceback" not in said
    assert "unexpected" not in said
    return said


@pytest.mark.parametrize(("words", "command"), COMMANDS, ids=name)
def test_a_wrong_option(words, command, capsys, monkeypatch):
    said = ends_in_one_line([*words, "--no-such-option"], capsys, monkeypatch)
    assert "--no-such-option" in said or "Missing" in said


@pytest.mark.parametrize("kind", ["missing", "a folder", "empty"])
@pytest.mark.parametrize(("words", "command"), FILES, ids=name)
def test_a_file_that_is_none(words, command, kind, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "no-word").mkdir()
    (tmp_path / "empty.csv").touch()
    value = {"missing": "no/such.csv", "a folder": "no-word", "empty": "empty.csv"}[kind]
    ends_in_one_line([*words, *filled(command, value)], capsys, monkeypatch)
