"""Whole runs as short programs. They import torch only when they run, so that `lingon --help` is instant."""

from collections.abc import Callable
from typing import Annotated, Any

from typer import Option

from lingon.core.errors import unknown
from lingon.recipes.data_settings import SOURCES
from lingon.recipes.folder_settings import FolderSettings
from lingon.recipes.presets import PRESETS, next_steps, predictions
from lingon.recipes.train import train_task
from lingon.recipes.vectors import vectors
from lingon.tasks.registry import TASKS, row_of, settings_of

Sentences = Annotated[list[str] | None, Option(help="A text to predict at the end; repeatable.")]
WITHOUT_SCORE = ("vectors",)  # whose runs cannot be compared by a score on held-out texts, as a sweep does


def names() -> list[str]:
    """Return what can be trained: the presets, the tasks of the registry, and word vectors."""
    return [*PRESETS, *(name for name, row in TASKS.items() if row.trained), "vectors"]


def recipe_of(name: str) -> Callable[..., Any]:
    """Return a recipe; its parameters are the flags of `lingon train NAME`. Raises UserError for an unknown name."""
    if name == "vectors":
        return vectors
    if name in PRESETS:
        return _of_preset(name)
    if name not in names():
        raise unknown("task to train", name, names())
    return _of_task(name)


def _of_task(name: str) -> Callable[..., Any]:
    row = row_of(name)

    def recipe(source=SOURCES[row.data], settings=settings_of(name)(), folder=FolderSettings(out=f"runs/{name}")):
        return train_task(name, source, settings, folder)

    return _described(recipe, row.help, row.metric)


def _of_preset(name: str) -> Callable[..., Any]:
    preset = PRESETS[name]
    row = row_of(preset.task)
    source: Any = SOURCES[row.data]
    given, usual = source(data=preset.data), settings_of(preset.task)()

    def recipe(source=given, sentence: Sentences = None, settings=usual, folder=FolderSettings(out=f"runs/{name}")):
        record = train_task(preset.task, source, settings, folder)
        import lingon

        print(predictions(lingon.load(folder.out, settings.device), sentence or preset.inputs))
        print(next_steps(preset, folder.out))
        return record

    return _described(recipe, preset.help, row.metric)


def _described(recipe: Any, help: str, metric: str) -> Callable[..., Any]:
    """A recipe with what help and sweeps ask of it. metric: the one that runs are compared by."""
    recipe.__doc__, recipe.metric = help, metric
    return recipe
