"""Held-out accuracy on film reviews of every model, beside tf-idf with logistic regression and fastText."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.ngrams import FASTTEXT, NAME
from benchmarks.own_csv import PEER, STRENGTHS
from benchmarks.result import Result, score
from benchmarks.reviews import imdb, mixed, texts_of
from benchmarks.worker import Worker, exchange

BARS = {"ngrams": 0.905, "bag": 0.875, "textcnn": 0.885, "bilstm": 0.88, "self_attentive": 0.885}
HALF = " bfloat16"  # after a model's name: trained in that precision, whose speed `training` measures
BARS |= {f"{model}{HALF}": BARS[model] for model in ("bilstm", "self_attentive")}


def compare(context: Context) -> Iterator[Result]:
    """One result per model: the recipe with three seeds. Time is not measured, so two runs go beside each other."""
    splits = imdb()
    parts = {"train": mixed(splits.train), "valid": splits.valid, "test": splits.test}
    paths = {name: exchange(context.folder, name, texts_of(part)) for name, part in parts.items()}
    peers, versions = _peers(paths, context)
    models = [model for model in BARS if context.wants(named(model))]
    with ThreadPoolExecutor(THREADS) as both:
        running = {model: [both.submit(_run, model, seed, context) for seed in context.seeds] for model in models}
        for model in models:
            runs = [run.result() for run in running[model]]
            what = f"accuracy on held-out film reviews: {model.replace('_', '-').replace(HALF, ',' + HALF)}"
            row = score(what, [run["accuracy"] for run in runs], peers, BARS[model])
            details = {"data": splits.source, "seeds": list(context.seeds), "runs": runs, "peers": peers}
            yield Result(named(model), [row], details, versions)


def named(model: str) -> str:
    """The name of a model's result."""
    return f"quality-{model.replace('_', '-').replace(' ', '-')}"


def _run(model: str, seed: int, context: Context) -> dict[str, Any]:
    out = Path(context.folder) / f"{model.replace(' ', '-')}-{seed}"
    name, half = model.removesuffix(HALF), model.endswith(HALF)
    settings = {"precision": "bfloat16"} if half else {}
    arguments = {"data": "imdb", "model": name, "seed": seed, "out": str(out), "threads": 1, "settings": settings}
    with Worker("recipe") as worker:
        return worker.ask("run", arguments | ({"epochs": 0.02} if context.quick else {}))


def _peers(paths: dict[str, str], context: Context) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Accuracies of the peers on the same split, and their versions. Logistic regression knows no chance: one run."""
    with Worker("tfidf", "scikit-learn") as worker:
        linear = worker.ask("run", paths | {"strengths": STRENGTHS[:1] if context.quick else STRENGTHS})
    fast = []
    with Worker("fasttext_train", "fasttext") as worker:
        files = {"train": paths["train"], "test": paths["test"], "folder": str(context.folder)}
        started = worker.ask("start", files | FASTTEXT | {"threads": THREADS})
        for seed in context.seeds:
            worker.ask("run", {"seed": seed})
            fast.append(worker.ask("score")["accuracy"])
    return {PEER: [linear["accuracy"]], NAME: fast}, linear["versions"] | started["versions"]
