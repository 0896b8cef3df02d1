"""Image classification of Fashion-MNIST by a small residual network: accuracy on the official test, and the time."""

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.result import Result, at_most
from benchmarks.trained_tasks import Case, results

NAME = "fashion-mnist"
MINUTES = 10
CASE = Case(
    "classify",
    {"data": "fashion-mnist"},
    {"model": "resnet", "precision": "bfloat16", "epochs": 16, "schedule": "cosine"},
    "Fashion-MNIST, a small residual network",
    {"accuracy": 0.93, "macro_f1": None},
    {"published": "two convolutions .876-.934, ResNet-18 .949 (table of the authors of Fashion-MNIST)"},
)


def compare(context: Context) -> Iterator[Result]:
    """Yield the result after each seed."""
    for found in results(context, {NAME: CASE}):
        yield Result(found.name, [*found.rows, *_minutes(found.details)], found.details)


def _minutes(details: Mapping[str, Any]) -> list[Any]:
    seconds = [run["seconds"] for run in details["runs"]]
    what = "Fashion-MNIST, from reading the data to a trained network"
    known = THREADS > 1 or max(seconds) <= 60 * MINUTES  # one thread takes longer than two
    return [at_most(what, "min", [one / 60 for one in seconds], MINUTES)] if known else []
