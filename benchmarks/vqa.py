"""Questions on images: easy-VQA beside its baseline without images, and scenes composed of stamps."""

from collections.abc import Iterator

from benchmarks.context import Context
from benchmarks.result import Result
from benchmarks.trained_tasks import Case, results

BLIND = {"model": "question_only"}
CASES = {
    "vqa-easy": Case("vqa", {"data": "easy-vqa"}, {}, "easy-VQA, questions on images", {"accuracy": 0.99}),
    "vqa-easy-question-only": Case(
        "vqa", {"data": "easy-vqa"}, BLIND, "easy-VQA, the question without the image", {"accuracy": None}
    ),
    "vqa-scenes": Case(
        "vqa",
        {"data": "scene-questions"},
        {},
        "questions on composed scenes (constructed), combinations not trained on",
        {"accuracy": None},
    ),
    "vqa-scenes-question-only": Case(
        "vqa",
        {"data": "scene-questions"},
        BLIND,
        "questions on composed scenes (constructed), without the image",
        {"accuracy": None},
    ),
}


def compare(context: Context) -> Iterator[Result]:
    """Yield the result of each case after each seed."""
    yield from results(context, CASES)
