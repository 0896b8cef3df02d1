"""Scores of tasks that `lingon train` trains: each case is a command, and each of its scores a row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.result import Result, score
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
    """One result a case: it is trained with each seed and tested once."""
    for name, case in cases.items():
        if context.wants(name):
            runs = [_run(name, case, seed, context) for seed in context.seeds]
            yield result_of(name, case, list(context.seeds), runs)


def result_of(name: str, case: Case, seeds: Sequence[int], runs: Sequence[Mapping[str, Any]]) -> Result:
    """Return the rows of a case, of the test scores and seconds of its runs."""
    rows = []
    for metric, bar in case.bars.items():
        rows.append(score(f"{case.what}: {metric.replace('_', ' ')}", [run["test"][metric] for run in runs], {}, bar))
    command = {"task": case.task, **case.source, **case.settings}
    return Result(name, rows, {"command": command, "seeds": [*seeds], "runs": [*runs], **case.notes})


def _run(name: str, case: Case, seed: int, context: Context) -> dict[str, Any]:
    settings = {**case.settings, "seed": seed, **(QUICK if context.quick else {})}
    asked = {"task": case.task, "source": dict(case.source), "settings": settings, "threads": THREADS}
    with Worker("train_task") as worker:
        return worker.ask("run", asked | {"out": str(Path(context.folder) / f"{name}-{seed}")})
