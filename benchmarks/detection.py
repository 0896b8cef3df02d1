"""Detection of blood cells in the photos of BCCD: mean average precision on its official test part."""

from collections.abc import Iterator

from benchmarks.context import Context
from benchmarks.result import Result
from benchmarks.trained_tasks import Case, results

CASES = {
    "detection-bccd": Case(
        "detect",
        {"data": "bccd"},
        {"width": 24, "epochs": 45, "flip": "both", "precision": "bfloat16"},
        "blood cells of BCCD",
        {"map50": 0.65, "map": None, "map75": None},
    )
}


def compare(context: Context) -> Iterator[Result]:
    """Yield the result after each seed."""
    yield from results(context, CASES)
