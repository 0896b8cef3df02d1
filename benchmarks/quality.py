"""Held-out accuracy on film reviews of every model, beside tf-idf with logistic regression and fastText."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.ngrams import FASTTEXT, NAME
from benchmarks.own_csv import PEER, STRENGTHS
from benchmarks.result import Result, score
from benchmarks.reviews import imdb, mixed, texts_of
from benchmarks.worker import Worker, exchange


@dataclass(frozen=True)
class Case:
    """A model, the least accuracy, and the settings of its training beside the defaults."""

    model: str
    least: float
    settings: Mapping[str, Any] = field(default_factory=dict)


HALF = {"precision": "bfloat16"}  # whose speed `training` measures
CASES = {
    "ngrams": Case("ngrams", 0.905),
    "bag": Case("bag", 0.875),
    "textcnn": Case("textcnn", 0.885),
    "bilstm": Case("bilstm", 0.88),
    "self-attentive": Case("self_attentive", 0.885),
    "bilstm-bfloat16": Case("bilstm", 0.88, HALF),
    "self-attentive-bfloat16": Case("self_attentive", 0.885, HALF),
}


def compare(context: Context) -> Iterator[Result]:
    """One result per model: the recipe with three seeds. Time is not measured, so two runs go beside each other."""
    splits = imdb()
    parts = {"train": mixed(splits.train), "valid": splits.valid, "test": splits.test}
    paths = {name: exchange(context.folder, name, texts_of(part)) for name, part in parts.items()}
    peers, versions = _peers(paths, context)
    names = [name for name in CASES if context.wants(named(name))]
    with ThreadPoolExecutor(THREADS) as both:
        running = {name: [both.submit(_run, name, seed, context) for seed in context.seeds] for name in names}
        for name in names:
            runs = [run.result() for run in running[name]]
            row = score(described(name), [run["accuracy"] for run in runs], peers, CASES[name].least)
            details = {"data": splits.source, "seeds": list(context.seeds), "runs": runs, "peers": peers}
            yield Result(named(name), [row], details, versions)


def named(case: str) -> str:
    """The name of a case's result."""
    return f"quality-{case}"


def described(case: str) -> str:
    """What the row of a case says."""
    precision = CASES[case].settings.get("precision")
    how = f", {precision}" if precision else ""
    return f"accuracy on held-out film reviews: {CASES[case].model.replace('_', '-')}{how}"


def _run(name: str, seed: int, context: Context) -> dict[str, Any]:
    case, out = CASES[name], Path(context.folder) / f"{name}-{seed}"
    arguments = {"data": "imdb", "model": case.model, "seed": seed, "out": str(out), "threads": 1}
    arguments["settings"] = dict(case.settings)
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
