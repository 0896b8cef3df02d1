"""Lingon: tags of sentences that are divided into words already, by the bundle of a tagger."""

import json

import torch
from serve import serve

import lingon

state = {}


def start(bundle, sentences, threads):
    torch.set_num_threads(threads)
    with open(sentences, encoding="utf-8") as file:
        state.update(sentences=json.load(file), tagger=lingon.load(bundle))
    return {"versions": {"torch": torch.__version__}}


def run():
    state["found"] = state["tagger"].predict(state["sentences"])


def tags():
    return {"tags": [list(found.tags) for found in state["found"]]}


serve(start=start, run=run, tags=tags)
