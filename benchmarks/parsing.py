"""Dependency parsing of the English Web Treebank on MiniLM: attachment scores on its test sentences."""

from collections.abc import Iterator

from benchmarks.context import Context
from benchmarks.result import Result
from benchmarks.trained_tasks import Case, results

CASES = {
    "parsing-ewt": Case(
        "parse",
        {"data": "ud-english-ewt"},
        {"from_": "minilm-l6", "precision": "bfloat16", "evals": 3},
        "parsing the English Web Treebank, MiniLM",
        {"uas": 0.89, "las": 0.86, "clas": None},
    )
}


def compare(context: Context) -> Iterator[Result]:
    """Yield the result after each seed."""
    yield from results(context, CASES)
