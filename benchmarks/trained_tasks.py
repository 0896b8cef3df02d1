"""Scores of tasks that `lingon train` trains: each case is a command, and each of its scores a row."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.result import Result, score
from benchmarks.seeds import trained
from benchmarks.worker import Worker

QUICK: Mapping[str, Any] = {"steps": 2, "evals": 1}


@dataclass(frozen=True)
class Case:
    """A training and what it is to reach.

    source, settings: flags of `lingon train`, by name. what: the data and the model, in words. bars: the least of each
    score on the test data, by the metric's name; None where there is no bar.
    """

    task: str
    source: Mapping[str, Any]
    settings: Mapping[str, Any]
    what: str
    bars: Mapping[str, float | None]
    notes: Mapping[str, Any] = field(default_factory=dict)


def results(context: Context, cases: Mapping[str, Case]) -> Iterator[Result]:
    """Yield the result of each case after each of its trainings, which are tested once: the last has all seeds."""
    for name, case in cases.items():
        if context.wants(name):
            command = {"task": case.task, **case.source, **case.settings}
            for details in trained(context, name, command, lambda seed: _run(name, case, seed, context)):  # noqa: B023
                yield result_of(name, case, details)


def result_of(name: str, case: Case, details: Mapping[str, Any]) -> Result:
    """Return the rows of a case: the median and the range of each score on the test data, over its seeds."""
    rows = []
    for metric, bar in case.bars.items():
        rows.append(
            score(f"{case.what}: {metric.replace('_', ' ')}", [run["test"][metric] for run in details["runs"]], {}, bar)
        )
    return Result(name, rows, {**details, **case.notes})


def _run(name: str, case: Case, seed: int, context: Context) -> dict[str, Any]:
    settings = {**case.settings, "seed": seed, **(QUICK if context.quick else {})}
    asked = {"task": case.task, "source": dict(case.source), "settings": settings, "threads": THREADS}
    with Worker("train_task") as worker:
        return worker.ask("run", asked | {"out": str(Path(context.folder) / f"{name}-{seed}")})
