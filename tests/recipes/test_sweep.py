"""Flags come from signatures, and sweeps from flags."""

import inspect
from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer import Option

from lingon.cli.app import app
from lingon.core.errors import UserError
from lingon.data.examples import Examples
from lingon.data.tokenizers import words
from lingon.models.registry import get_entry, models_for
from lingon.recipes import WITHOUT_SCORE, names, recipe_of
from lingon.recipes.as_command import as_command
from lingon.recipes.sweep import vary
from lingon.recipes.train import train_task
from lingon.recipes.vectors import vectors
from lingon.tasks.classify.prepare import model_of
from lingon.tasks.classify.settings import Settings, filled


@dataclass(frozen=True)
class Parts:
    rate: Annotated[float | None, Option(help="x")] = None
    deep: Annotated[bool, Option("--deep", help="x")] = False
    name: str = "a"


def recipe(data: str, parts: Parts = Parts()) -> None:
    """Does it."""
    recipe.got = (data, parts)


def test_a_settings_object_becomes_flags_and_comes_back_whole():
    command = as_command(recipe)
    assert list(inspect.signature(command).parameters) == ["data", "rate", "deep", "name", "sweep"]
    command(data="d", rate=0.5, deep=True, name="b", sweep=None)
    assert recipe.got == ("d", Parts(0.5, True, "b"))


@pytest.mark.parametrize(
    ("text", "values"),
    [("rate=1e-3,3", [1e-3, 3.0]), ("deep=true,0", [True, False]), ("--name=x,y", ["x", "y"])],
)
def test_values_of_a_sweep_have_the_type_of_their_flag(text, values):
    parameters = list(inspect.signature(as_command(recipe)).parameters.values())
    assert vary(text, parameters)[1] == values


@pytest.mark.parametrize(
    ("text", "message"),
    [("rate", "not of the form"), ("rate=x", "'x' is not a value"), ("rat=1", "did you mean 'rate'")],
)
def test_wrong_sweeps_are_named(text, message):
    parameters = list(inspect.signature(as_command(recipe)).parameters.values())
    with pytest.raises(UserError, match=message):
        vary(text, parameters)


@pytest.mark.parametrize("recipe", [train_task, vectors])
def test_every_recipe_is_short_and_says_what_it_does(recipe):
    source = inspect.getsource(inspect.getmodule(recipe))
    assert len(source.splitlines()) <= 85
    assert recipe.__doc__


@pytest.mark.parametrize("name", names())
def test_what_can_be_trained_says_what_it_does(name):
    assert recipe_of(name).__doc__.startswith(("Train ", "Pretrain ", "Fine-tune "))
    assert recipe_of(name) is vectors or recipe_of(name).metric


@pytest.mark.parametrize("model", [name for name in models_for("classifier") if name != "ngrams"])
def test_few_texts_get_smaller_batches_and_steps_enough(model):
    few, many = filled(Settings(model=model), 97), filled(Settings(model=model), 17_953)
    assert few.batch_size < many.batch_size
    assert few.epochs * 97 / few.batch_size >= 390
    assert many.epochs == get_entry(model).defaults["epochs"]
    assert filled(Settings(model=model, epochs=1, batch_size=5), 97).epochs == 1
    many_classes = filled(Settings(model=model), 6_400, classes=52)
    assert many_classes.epochs * 6_400 / many_classes.batch_size >= 60 * 52


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 0}, "--lr is 0"),
        ({"C": 0.0}, "--C is 0; expected more than 0"),
        ({"lr": float("inf")}, "--lr is inf"),
        ({"dropout": 1}, "--dropout is 1"),
        ({"epochs": -1}, "--epochs is -1"),
        ({"warmup": 2}, "--warmup is 2"),
        ({"max_length": 0}, "--max-length is 0"),
        ({"schedule": "cosin"}, "unknown schedule 'cosin'; did you mean 'cosine'"),
        ({"precision": "float8"}, "unknown precision"),
    ],
)
def test_impossible_settings_are_named(change, message):
    with pytest.raises(UserError, match=message):
        Settings(**change).checked()


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ("depth", "not of the form NAME=VALUE, such as depth=2"),
        ("classes=3", "not of the form NAME=VALUE, such as depth=2"),
        ("depth=two", "'two' is not a number"),
        ("deph=2", "did you mean 'depth'"),
        ("depth=0", "a whole number from 1 to 64"),
    ],
)
def test_a_wrong_size_of_the_model_is_named(size, message):
    settings = filled(Settings(model="bilstm", set=[size]), 1000)
    with pytest.raises(UserError, match=message):
        model_of(settings, words(["a b c"]), 2, Examples(["a b c"], ["x"]))


def test_sizes_reach_the_model():
    settings = filled(Settings(model="textcnn", set=["multichannel=true", "kernels=[2,3]"]), 1000)
    config = model_of(settings, words(["a b c"]), 2, Examples(["a b c"], ["x"])).config()
    assert (config["multichannel"], config["kernels"]) == (True, [2, 3])


def test_only_runs_with_a_held_out_score_can_be_swept():
    assert set(names()) > set(WITHOUT_SCORE)
    group = typer.main.get_command(app).commands["train"]
    for name, command in group.commands.items():
        assert ("sweep" in {parameter.name for parameter in command.params}) == (name not in WITHOUT_SCORE)
