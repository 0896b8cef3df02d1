"""Train a text classifier on a corpus or on a file of your own."""

import time
from pathlib import Path
from typing import Annotated, Any

from typer import Option

from lingon.recipes.settings import Folder, Settings, resolve

Data = Annotated[str, Option(help="A corpus (lingon data list), or a csv, tsv, jsonl, parquet or folder of yours.")]
Column = Annotated[str | None, Option(help="Name of the column; guessed when obvious.")]


def classify(
    data: Data,
    text: Column = None,
    label: Column = None,
    test: Annotated[str | None, Option(help="A file with texts to test on; none cuts a test split off.")] = None,
    settings: Settings = Settings(),
    folder: Folder = Folder(out="runs/classify"),
) -> dict[str, Any]:
    """Train a text classifier on a corpus or on a file of your own."""
    from lingon.recipes.parts import make_classifier, train

    settings, clock = resolve(settings), Clock()
    from lingon.data.source import load_data

    splits = load_data(data, text=text, label=label, test=test, seed=settings.seed)
    clock.lap("load")
    ...
    return {}
