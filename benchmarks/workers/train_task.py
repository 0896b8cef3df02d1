"""A run of `lingon train` for any task, with the seconds of its parts."""

import os

import torch
from serve import peak, serve

from lingon.recipes.data_settings import SOURCES
from lingon.recipes.folder_settings import FolderSettings
from lingon.recipes.train import train_task
from lingon.tasks.registry import row_of, settings_of

TRAINING = ("load the data", "prepare", "train")
FACTS = ("unigram_entropy", "parameters")  # beside which scores are read


def run(task, source, settings, out, threads):
    """Trains and tests; `seconds` are those from reading the data to a trained model, validation included.

    `imported` is the most memory before any of it.
    """
    imported = peak()
    torch.set_num_threads(threads)
    record = train_task(
        task,
        SOURCES[row_of(task).data](**source),
        settings_of(task)(**settings),
        FolderSettings(out=out, overwrite=os.path.exists(out)),
    )
    laps = record["seconds"]
    facts = {name: record[name] for name in FACTS if name in record}
    seconds = sum(laps[name] for name in TRAINING)
    return {"seconds": seconds, "laps": laps, "test": record["test"], "facts": facts, "imported": imported}


serve(run=run)
