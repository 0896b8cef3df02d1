"""Trainings of one case with several seeds: each is written when it has ended, and an earlier call's can be kept."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from benchmarks.context import Context
from benchmarks.machine import today
from lingon.core.errors import UserError
from lingon.core.files import read_json
from lingon.core.strict_json import dumps

Run = dict[str, Any]  # what a training says: scores, seconds
# The comparisons that go through `trained`, so that seeds can be added to their results.
EXTENDED = (
    "answers",
    "detection",
    "fashion-mnist",
    "fine-tuning-quality",
    "parsing",
    "pretraining",
    "segmentation",
    "synthesis",
    "tagging",
    "vqa",
)


def trained(
    context: Context, name: str, settings: Mapping[str, Any], train: Callable[[int], Run]
) -> Iterator[dict[str, Any]]:
    """Yield the details {"settings", "seeds", "runs", "dates"} of a result after each training, in the order of seeds.

    With `context.add` the runs in the result's file are kept, and their seeds are not trained again; when it has all
    of them, they are yielded once. settings: what was trained how, in values of JSON. Raises UserError when the file's
    were others, for runs of different settings have no median.
    """
    runs, others = _kept(context, name, settings) if context.add is not None else ({}, {})
    missing = [seed for seed in context.seeds if seed not in runs]
    if not missing:
        yield others | _details(settings, runs)
    for seed in missing:
        runs[seed] = (train(seed), today())
        yield others | _details(settings, runs)


def _details(settings: Mapping[str, Any], runs: Mapping[int, tuple[Run, str]]) -> dict[str, Any]:
    seeds = sorted(runs)
    return {
        "settings": dict(settings),
        "seeds": seeds,
        "runs": [runs[seed][0] for seed in seeds],
        "dates": [runs[seed][1] for seed in seeds],
    }


def _kept(
    context: Context, name: str, settings: Mapping[str, Any]
) -> tuple[dict[int, tuple[Run, str]], dict[str, Any]]:
    """Return the runs of the result's file and the day of each, by seed, and its other details; none without a file."""
    assert context.add is not None
    path = context.add / f"{name}.json"
    if not path.exists():
        return {}, {}
    record = read_json(path)
    held = record["details"]
    if held["settings"] != dict(settings) or record["quick"] != context.quick:
        raise UserError(
            f"{path.name} was measured with settings {dumps(held['settings'])}{', quick' * record['quick']}; "
            f"now they are {dumps(dict(settings))}{', quick' * context.quick}; without --add all are measured anew"
        )
    dates = held.get("dates", [record["date"]] * len(held["runs"]))
    runs = {seed: (run, day) for seed, run, day in zip(held["seeds"], held["runs"], dates, strict=True)}
    return runs, {key: value for key, value in held.items() if key not in _details({}, {})}
