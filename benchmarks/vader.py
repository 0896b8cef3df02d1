"""Ratings of texts as numbers: the default classifier against ridge regression on tf-idf."""

from collections.abc import Iterator

import lingon
from benchmarks.context import Context
from benchmarks.problem_types import files_of, row_of, trained
from benchmarks.result import Result
from benchmarks.worker import Worker
from lingon.data.examples import Splits
from lingon.data.split import stratified_split
from lingon.metrics.correlation import pearson


def compare(context: Context) -> Iterator[Result]:
    """Compare Pearson's correlation on a fifth that is held out, anew for each seed."""
    yield _result(context)


def _result(context: Context) -> Result:
    turns: list[dict[str, float]] = []
    versions: dict[str, str] = {}
    whole = lingon.load_data("vader").all()
    for seed in context.seeds:
        train, test = stratified_split(whole, 0.2, seed, "vader")
        files = files_of(context, Splits(train, test, test, "vader"))
        with Worker("target_peers", "scikit-learn") as worker:
            theirs = worker.ask("numbers", files)
        found = [one.value for one in trained(context, files, "regression").predict(test.texts)]
        turns.append({"ours": pearson(found, test.labels), "peer": pearson(theirs["values"], test.labels)})
        versions = theirs["versions"]
    ours, peer = ([turn[who] for turn in turns] for who in ("ours", "peer"))
    what = f"vader, {len(whole):,} ratings, a fifth held out: Pearson"
    row = row_of(what, sum(ours) / len(ours), "ridge regression", sum(peer) / len(peer))
    return Result("vader", [row], {"turns": turns}, versions)
