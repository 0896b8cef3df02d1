"""Names that others have for flags and commands are answered with ours."""

import pytest

from lingon.cli.app import _run
from lingon.cli.flag_suggestions import COMMANDS, FLAGS

TYPED = {
    "classify --data x": "No such command 'classify'; did you mean `lingon train classify`?",
    "fit": "No such command 'fit'; did you mean `lingon train classify`?",
    "train supervised": "No such command 'supervised'; did you mean `lingon train classify`?",
    "nn": "No such command 'nn'; did you mean `lingon vectors nearest`?",
    "nearest": "No such command 'nearest'; did you mean `lingon vectors nearest`?",
    "train classify --data x --learning-rate 3": "No such option --learning-rate; did you mean --lr?",
    "train classify --data x --learning_rate=3": "No such option --learning_rate; did you mean --lr?",
    "train classify --data x --num-train-epochs 3": "No such option --num-train-epochs; did you mean --epochs?",
    "train classify --data x --random_state 3": "No such option --random_state; did you mean --seed?",
    "train vectors -dim 100": "No such option -dim; did you mean --width?",
    "generate b x --num-beams 3": "No such option --num-beams; did you mean --beams?",
}


@pytest.mark.parametrize("typed", TYPED)
def test_a_name_of_elsewhere_is_answered_with_ours(typed, capsys):
    assert _run(typed.split()) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"lingon: {TYPED[typed]} (help: lingon")
    assert len(said.splitlines()) == 1


def test_a_name_that_is_like_none_is_refused_as_before(capsys):
    assert _run(["train", "classify", "--data", "x", "--xyzzy"]) == 2
    assert "did you mean" not in capsys.readouterr().err


def options(command, path=()):
    yield path, {name for parameter in command.params for name in parameter.opts}
    for name, inner in getattr(command, "commands", {}).items():
        yield from options(inner, (*path, name))


def every_command():
    import typer

    from lingon.cli.app import app

    return dict(options(typer.main.get_command(app)))


def test_what_is_suggested_exists():
    commands = every_command()
    assert {" ".join(path) for path in commands} >= set(COMMANDS)
    there = set().union(*commands.values())
    assert [flag for flag in FLAGS if f"--{flag}" not in there] == []


def test_no_name_of_elsewhere_hides_a_command_of_ours():
    first = {path[0] for path in every_command() if path}
    assert not first & {word for others in COMMANDS.values() for word in others.split()}
