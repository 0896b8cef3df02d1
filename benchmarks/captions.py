"""Captions of images: of constructed scenes in new combinations, and of single stamps, beside retrieval."""

from collections.abc import Iterator

from benchmarks.context import Context
from benchmarks.result import Result
from benchmarks.trained_tasks import Case, results

SETTINGS = {"evals": 4, "precision": "bfloat16"}
MORE = {"scenes": {"set": ["filters=16"], "epochs": 12, "lr": 0.002}, "stamps": {"augment": "shift-and-flip"}}
# An exact match says the nouns and the relation of a scene; a tenth of all combinations is in the test alone.
CASES = {
    "captions-scenes": Case(
        "caption",
        {"data": "scenes"},
        {**SETTINGS, **MORE["scenes"]},
        "captions of constructed scenes, new combinations",
        {"exact_match": 0.90, "cider_d": None, "bleu": None},
        {"constructed": "scenes are composed of stamps, which training and test share; combinations are new"},
    )
}
CASES |= {
    f"captions-stamps-{language}": Case(
        "caption",
        {"data": "stamps", "language": language},
        {**SETTINGS, **MORE["stamps"]},
        f"captions of single stamps, {language}",
        {"cider_d": None, "retrieval_cider_d": None, "bleu": None, "exact_match": None},
    )
    for language in ("en", "de", "fr")
}


def compare(context: Context) -> Iterator[Result]:
    """Yield the result after each seed."""
    yield from results(context, CASES)
