"""A user's own csv, with the settings nobody touched, against tf-idf and logistic regression."""

from collections.abc import Iterator
from typing import Any

import torch

import lingon
from benchmarks.context import Context
from benchmarks.csv_files import write_csv
from benchmarks.machine import THREADS
from benchmarks.result import Result, score
from benchmarks.reviews import texts_of
from benchmarks.worker import Worker, exchange
from lingon.data.examples import Examples
from lingon.data.split import stratified_split
from lingon.metrics.accuracy import accuracy
from lingon.metrics.ranking import auc

CORPORA = ("spam-assassin", "wiki-topics")
MODEL, PEER = "ngrams", "tf-idf bigrams + logistic regression"
STRENGTHS = [1, 10, 100]


def compare(context: Context) -> Iterator[Result]:
    """One result per corpus: its texts as csv files, a fifth held out, split anew for each seed."""
    for corpus in (c for c in CORPORA if context.wants(f"own-csv-{c}")):
        whole = everything(corpus)
        if context.quick:
            whole = stratified_split(whole, 0.2, 0, "quick")[1]
        turns = [_one(whole, seed, context) for seed in context.seeds]
        rows = [
            score(
                f"{corpus} as a csv: {name}",
                [ours[name] for ours, _ in turns],
                {PEER: [theirs[name] for _, theirs in turns]},
                bar=PEER,
            )
            for name in ("AUC", "accuracy")
        ]
        details = {
            "splits": "80 % to train, a tenth of which is for validation on both sides, 20 % held out; stratified",
            "texts": len(whole),
            "labels": whole.label_counts(),
            "model": MODEL,
            "turns": [{"ours": ours, "theirs": theirs} for ours, theirs in turns],
        }
        yield Result(f"own-csv-{corpus}", rows, details, turns[0][1]["versions"])


def everything(corpus: str) -> Examples:
    """All texts of a corpus, its own splits put together."""
    splits = lingon.load_data(corpus)
    parts = (splits.train, splits.valid, splits.test)
    return Examples([t for part in parts for t in part.texts], [y for part in parts for y in part.labels])


def _one(whole: Examples, seed: int, context: Context) -> tuple[dict[str, Any], dict[str, Any]]:
    train, test = stratified_split(whole, 0.2, seed, "own csv")
    files = {name: write_csv(context.folder / f"{name}.csv", part) for name, part in (("train", train), ("test", test))}
    out = str(context.folder / "run")
    with Worker("recipe") as worker:
        ran = worker.ask(
            "run",
            {"data": files["train"], "test": files["test"], "text": "text", "label": "label"}
            | {"model": MODEL, "seed": seed, "out": out, "threads": THREADS},
        )
        ours = worker.ask("predict", {"out": out, "texts": test.texts})
    few, valid = stratified_split(train, 0.1, seed, "own csv, validation")
    parts = {name: exchange(context.folder, name, texts_of(part)) for name, part in _named(few, valid, test)}
    with Worker("tfidf", "scikit-learn") as worker:
        theirs = worker.ask("run", parts | {"strengths": STRENGTHS})
    kept = {key: theirs[key] for key in ("seconds", "C", "versions")}
    mine, peer = scored(ours, test), scored(theirs, test)
    for side, said in ((mine, ran), (peer, theirs)):
        if abs(side["accuracy"] - said["accuracy"]) > 1e-6:
            raise AssertionError(f"accuracy is {side['accuracy']} here, and {said['accuracy']} where it was predicted")
    return mine | {"seconds": ran["seconds"]}, peer | kept


def _named(*parts: Examples):
    return zip(("train", "valid", "test"), parts, strict=True)


def scored(found: dict[str, Any], test: Examples) -> dict[str, float]:
    """AUC (each label against all others, the mean) and accuracy, both sides by the same function."""
    probabilities = torch.tensor(found["probabilities"], dtype=torch.float64)
    truth = torch.tensor([found["labels"].index(label) for label in test.labels])
    return {"AUC": float(auc(probabilities, truth)), "accuracy": float(accuracy(probabilities, truth))}
