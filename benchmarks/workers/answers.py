"""A run of the answer recipe, with the seconds of its parts."""

import os

import torch
from serve import serve

from lingon.recipes.data_settings import AnsweredQuestions
from lingon.recipes.folder_settings import FolderSettings
from lingon.recipes.train import train_task
from lingon.tasks.answer.settings import Settings


def run(data, test, seed, out, threads, settings):
    """Trains and tests; `epoch` are the seconds of a pass over the training questions, validation included."""
    torch.set_num_threads(threads)
    record = train_task(
        "answer",
        AnsweredQuestions(data, test),
        Settings(seed=seed, **settings),
        FolderSettings(out=out, overwrite=os.path.exists(out)),
    )
    laps, epochs = record["seconds"], record["arguments"]["epochs"]
    scores = {name: record["test"][name] for name in ("f1", "exact_match")}
    return {**scores, "laps": laps, "epochs": epochs, "epoch": laps["train"] / (epochs or 1)}


serve(run=run)
