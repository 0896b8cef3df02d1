"""Held-out accuracy of classifiers that start from MiniLM: intents, ten texts for each intent, film reviews."""

import csv
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.result import Result, score
from benchmarks.seeds import trained
from benchmarks.worker import Worker
from lingon.data.examples import Examples
from lingon.data.load_data import load_data

SOURCE, FEW, SEED = "minilm-l6", 10, 0
# Of each result: the data, how it is trained beside the defaults, and the least accuracy.
CASES: dict[str, tuple[str, dict[str, Any], float | None]] = {
    "banking77": ("banking77", {}, 0.937),
    "banking77-head-first": ("banking77", {"tuning": "head-first", "precision": "bfloat16"}, 0.937),
    "banking77-frozen": ("banking77", {"tuning": "frozen"}, None),
    "ten-per-class": ("ten-per-class", {}, 0.83),
    "ten-per-class-frozen": ("ten-per-class", {"tuning": "frozen"}, None),
    "imdb": ("imdb", {}, 0.915),
    "imdb-512-tokens": (
        "imdb",
        {"precision": "bfloat16", "max_length": 512, "epochs": 1, "evals": 2},
        0.915,
    ),
}

WORDS = {  # what else a row says
    "banking77-head-first": ["its head first", "bfloat16"],
    "banking77-frozen": ["frozen"],
    "imdb-512-tokens": ["512 tokens", "bfloat16", "one epoch"],
    "ten-per-class-frozen": ["frozen"],
}


def compare(context: Context) -> Iterator[Result]:
    """Yield the result of each case after each seed: accuracies, and seconds from reading the texts to a model."""
    for name, (data, more, least) in CASES.items():
        if not context.wants(named(name)):
            continue
        files = _ten_per_class(context.folder) if data == "ten-per-class" else {"data": data}
        what = ", ".join([f"accuracy of MiniLM on {data}", *WORDS.get(name, ())])
        settings = {"data": data, "from_": SOURCE, **more}
        ended = trained(context, named(name), settings, lambda seed: _run(name, files, more, seed, context))  # noqa: B023
        for details in ended:
            row = score(what, [run["accuracy"] for run in details["runs"]], {}, least)
            yield Result(named(name), [row], details)


def named(case: str) -> str:
    """The name of a case's result."""
    return f"fine-tuning-quality-{case}"


def _run(name: str, files: dict[str, str], more: dict[str, Any], seed: int, context: Context) -> dict[str, Any]:
    out = str(Path(context.folder) / f"{name}-{seed}")
    quick = {"steps": 2, "evals": 1} if context.quick and not more else {}
    with Worker("recipe") as worker:
        return worker.ask(
            "run",
            {**files, "seed": seed, "out": out, "threads": THREADS, "settings": {"from_": SOURCE, **more, **quick}},
        )


def _ten_per_class(folder: Path) -> dict[str, str]:
    """Two tables: ten training texts of each intent, drawn by a seed, and all texts of the test."""
    splits, draw = load_data("banking77"), random.Random(SEED)
    both, by_label = splits.train + splits.valid, defaultdict(list)
    for i in draw.sample(range(len(both)), len(both)):
        by_label[both.labels[i]].append(i)
    few = both[sorted(i for rows in by_label.values() for i in rows[:FEW])]
    return {"data": _table(folder / "few.csv", few), "test": _table(folder / "test.csv", splits.test)}


def _table(path: Path, examples: Examples) -> str:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(zip(examples.texts, examples.labels, strict=True))
    return str(path)
