"""fastText as its tutorial uses it: lower case, punctuation apart, one line per text, words and bigrams."""

import json
import os
import re
import time
from importlib.metadata import version

import fasttext
from serve import serve

APART = re.compile(r"([.!?,'/()\"])")
state = {}


def start(train, test, folder, lr, epochs, threads, subwords=False):
    """Where the texts are, and the settings; all others are fastText's own (100 numbers per word)."""
    state.update(train=train, test=test, folder=folder)
    state["settings"] = {"lr": lr, "epoch": epochs, "wordNgrams": 2, "thread": threads, "verbose": 0}
    if subwords:
        state["settings"] |= {"minn": 3, "maxn": 6}
    return {"versions": {"fasttext": version("fasttext-wheel"), "numpy": version("numpy")}}


def run(seed=0):
    """From the file of texts to a model. `training` is the part that fastText itself takes."""
    path = os.path.join(state["folder"], "fasttext.txt")
    write(path, *read(state["train"]))
    begun = time.perf_counter()
    state["model"] = fasttext.train_supervised(path, seed=seed, **state["settings"])
    return {"training": time.perf_counter() - begun}


def score():
    """The share of the test texts that get their label."""
    texts, labels = read(state["test"])
    found = [state["model"].predict(normal(text))[0][0] for text in texts]
    return {"accuracy": sum(a == "__label__" + b for a, b in zip(found, labels)) / len(labels)}  # noqa: B905


def read(path):
    with open(path, encoding="utf-8") as file:
        held = json.load(file)
    return held["texts"], held["labels"]


def write(path, texts, labels):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"__label__{label} {normal(text)}\n" for text, label in zip(texts, labels))  # noqa: B905


def normal(text):
    return " ".join(APART.sub(r" \1 ", text.lower()).split())


serve(start=start, run=run, score=score)
