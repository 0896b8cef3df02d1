"""Pretraining of an encoder on two cores: how far below the entropy of single tokens, in how many minutes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.measure import Spread
from benchmarks.result import Peer, Result, Row, at_most
from benchmarks.seeds import trained
from benchmarks.trained_tasks import QUICK
from benchmarks.worker import Worker

NAME, SECONDS = "pretraining", 600
SOURCE: dict[str, Any] = {"data": ["austen"]}
SETTINGS: dict[str, Any] = {"evals": 4}
UNIGRAM = "entropy of single tokens"


def compare(context: Context) -> Iterator[Result]:
    """Yield, after each seed, the loss of hidden tokens of a held-out novel, beside what their frequencies reach."""
    for details in trained(context, NAME, {**SOURCE, **SETTINGS}, lambda seed: _run(seed, context)):
        yield _result(details)


def _result(details: Mapping[str, Any]) -> Result:
    runs = details["runs"]
    losses, entropy = [run["test"]["loss"] for run in runs], runs[0]["facts"]["unigram_entropy"]
    peer = Peer(UNIGRAM, Spread.of([entropy]))
    what = "pretraining a tiny BERT on Austen: loss of hidden tokens of held-out text"
    row = Row(what, "nats", Spread.of(losses), [peer], None, f"below the {UNIGRAM}", median(losses) < entropy)
    time = at_most("the same, from text to a trained encoder", "s", [run["seconds"] for run in runs], SECONDS)
    return Result(NAME, [row, time], dict(details))


def _run(seed: int, context: Context) -> dict[str, Any]:
    settings = {**SETTINGS, "seed": seed, **(QUICK if context.quick else {})}
    asked = {"task": "masked-language-model", "source": SOURCE, "settings": settings, "threads": THREADS}
    with Worker("train_task") as worker:
        return worker.ask("run", asked | {"out": str(Path(context.folder) / f"{NAME}-{seed}")})
