"""Lingon: vectors of texts by `Embedder.encode`."""

import json

import numpy as np
import torch
from serve import serve

import lingon

state = {}


def start(texts, threads, precision):
    torch.set_num_threads(threads)
    with open(texts, encoding="utf-8") as file:
        state.update(texts=json.load(file), precision=precision, task=lingon.load("minilm-l6"))
    return {"versions": {"torch": torch.__version__}}


def run():
    state["found"] = state["task"].encode(state["texts"], precision=state["precision"])


def save(path):
    np.save(path, state["found"], allow_pickle=False)


def stsb():
    """Spearman on the test part of STS-B."""
    from lingon.data.load_pairs import load_pairs
    from lingon.metrics.correlation import spearman

    pairs, task = load_pairs("stsb"), state["task"]
    a, b = (task.encode(side, precision=state["precision"]) for side in (pairs.first, pairs.second))
    return {"spearman": spearman((a * b).sum(1).tolist(), pairs.scores).rho}


serve(start=start, run=run, save=save, stsb=stsb)
