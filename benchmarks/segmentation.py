"""Segmentation of scenes composed of stamps by a small U-Net: mean IoU on its test scenes, and how long it takes."""

from collections.abc import Iterator

from benchmarks.context import Context
from benchmarks.result import Result
from benchmarks.trained_tasks import Case, results

CASES = {
    "segmentation-scenes": Case(
        "segment",
        {"data": "scenes"},
        {"evals": 3},
        "composed scenes (constructed) of 20 nouns, U-Net",
        {"miou": 0.85, "dice": None, "pixel_accuracy": None},
    )
}


def compare(context: Context) -> Iterator[Result]:
    """Yield the result after each seed."""
    yield from results(context, CASES)
