"""Our way of fine-tuning an encoder: the settings, batches and the loop of `lingon train classify --from`."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from serve import serve

from lingon.core.device import pick_device
from lingon.data.examples import Examples, Splits
from lingon.engine.fit import fit
from lingon.engine.world import World
from lingon.recipes.pretrained import merge_adapters, open_pretrained
from lingon.recipes.training_config import fit_parts
from lingon.tasks.classify import Classifier
from lingon.tasks.classify.settings import Settings
from lingon.tasks.training import TrainContext

state = {}


def start(source, texts, threads, rows, lr, epochs, seed=0, **more):
    """Makes a classifier on an encoder; texts: a JSON file with texts and labels to train, validate and test on."""
    torch.set_num_threads(threads)
    with open(texts, encoding="utf-8") as file:
        read = json.load(file)
    parts = [Examples(read[part]["texts"], read[part]["labels"]) for part in ("train", "test")]
    splits = Splits(parts[0], parts[1], parts[1], "texts")
    settings = replace(Settings(), from_=source, batch_size=rows, lr=lr, epochs=epochs, seed=seed, device="cpu", **more)
    pretrained = open_pretrained(settings.from_)
    settings = settings.checked().started(pretrained).filled(splits)
    context = TrainContext(Path(tempfile.mkdtemp()), World(0, 1), pick_device("cpu"), None, pretrained)
    state.update(training=Classifier.prepare(splits, settings, context), settings=settings, splits=splits)
    return {"weights": sum(p.numel() for p in state["training"].module.parameters()), "settings": str(settings)}


def run():
    """Trains for the epochs of the settings, without evaluations; returns the steps that it took."""
    training, settings = state["training"], state["settings"]
    parts = fit_parts(training.module, training, settings) | {"evaluation": None}
    history = fit(training.module, training.batches, training.loss, **parts)
    loss = history.rows[-1]["loss"] if history.rows else None  # a row for every ten steps
    training.batches.set_epoch(training.batches.epoch + 1)
    return {"steps": history.steps, "padding": training.batches.padding, "loss": loss}


def score():
    """Returns the accuracy on the test texts."""
    merge_adapters(state["training"].task)
    return {"accuracy": state["training"].task.evaluate(state["splits"].test)["accuracy"]}


serve(start=start, run=run, score=score)
