"""A run of the classify recipe, with the seconds of its parts."""

import os

import torch
from serve import serve

from lingon.recipes.data_settings import LabelledTexts
from lingon.recipes.folder_settings import FolderSettings
from lingon.recipes.train import train_task
from lingon.tasks.classify.settings import Settings

TRAINING = ("load the data", "prepare", "train", "refit")


def run(data, seed, out, threads, model=None, test=None, text=None, label=None, epochs=None, settings=None):
    """Trains and tests; `seconds` are those from reading the texts to a trained model, validation included.

    settings: others of the recipe, by name.
    """
    given = {"seed": seed, "epochs": epochs, **({"model": model} if model else {}), **(settings or {})}
    torch.set_num_threads(threads)
    record = train_task(
        "classify",
        LabelledTexts(data, text=text, label=label, test=test),
        Settings(**given),
        FolderSettings(out=out, overwrite=os.path.exists(out)),
    )
    laps = record["seconds"]
    return {
        "seconds": sum(laps.get(name, 0.0) for name in TRAINING),
        "laps": laps,
        "accuracy": record["test"]["accuracy"],
    }


def predict(out, texts):
    """Labels, and a row of probabilities for each text, from the bundle of a run."""
    import lingon

    classifier = lingon.load(out)
    found = classifier.predict(texts)
    return {"labels": classifier.labels, "probabilities": [list(p.probabilities.values()) for p in found]}


serve(run=run, predict=predict)
