"""sentence-transformers: vectors of texts by its own `encode`."""

import json

import numpy as np
import sentence_transformers
import torch
from serve import serve

state = {}


def start(folder, texts, threads):
    torch.set_num_threads(threads)
    with open(texts, encoding="utf-8") as file:
        state["texts"] = json.load(file)
    state["model"] = sentence_transformers.SentenceTransformer(folder, device="cpu")
    return {"versions": {"sentence-transformers": sentence_transformers.__version__, "torch": torch.__version__}}


def run():
    """With the batches of 32 that it has by default; it sorts the texts by length."""
    state["found"] = state["model"].encode(state["texts"], show_progress_bar=False)


def save(path):
    np.save(path, state["found"], allow_pickle=False)


serve(start=start, run=run, save=save)
