"""The default classifier against scikit-learn's tf-idf and linear models: whole, small and unbalanced training sets."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from statistics import mean
from typing import Any

import torch

import lingon
from benchmarks.context import Context
from benchmarks.csv_files import write_csv
from benchmarks.machine import THREADS
from benchmarks.measure import Spread
from benchmarks.own_csv import everything
from benchmarks.result import Peer, Result, Row
from benchmarks.worker import Worker
from lingon.core.seed import derive
from lingon.data.examples import Examples
from lingon.data.split import stratified_split
from lingon.metrics.accuracy import accuracy, macro_f1
from lingon.metrics.ranking import average_precision, binary_auc

PUBLISHED = ("reuters-r8", "reuters-r52", "20newsgroups", "banking77")  # with a test part of their own
DIVIDED = ("spam-assassin", "wiki-topics", "imdb", "rotten-tomatoes")  # divided anew for each seed
SIZES = (None, 500, 50)  # training texts; None: all
POSITIVE = {"spam-assassin": "spam", "imdb": "positive"}
FRACTIONS = (0.02, 0.005)  # of positive training texts
TOLERANCE = 0.003
Scored = dict[str, dict[str, float]]  # by who, by metric


def compare(context: Context) -> Iterator[Result]:
    """One result for each size of the training set, and one for training sets with few positive texts."""
    for size in SIZES:
        name = f"small-data-{size or 'all'}"
        if context.wants(name):
            yield _balanced(name, size, context)
    if context.wants("small-data-rare"):
        yield _rare(context)


def _balanced(name: str, size: int | None, context: Context) -> Result:
    figures: dict[str, list[Scored]] = {}
    for corpus in (*PUBLISHED, *DIVIDED):
        seeds = context.seeds if size or corpus in DIVIDED else range(1)
        figures[corpus] = [
            _one(*_cut(*_parts(corpus, seed), size, seed), context, {"accuracy": accuracy, "macro F1": macro_f1})
            for seed in seeds
        ]
    what = f"{size} training texts" if size else "all training texts"
    rows = [
        _row(f"{corpus}, {what}: {metric}", turns, metric)
        for corpus, turns in figures.items()
        for metric in ("accuracy", "macro F1")
    ]
    for metric in ("accuracy", "macro F1"):
        overall = _mean([_mean(turns, metric) for turns in figures.values()], metric)
        rows.append(_row(f"{len(figures)} data sets, {what}: mean {metric}", [overall], metric, 0.0))
    return Result(name, rows, {"turns": figures, "splits": SPLITS}, _versions(figures))


def _rare(context: Context) -> Result:
    figures: dict[str, list[Scored]] = {}
    for corpus, positive in POSITIVE.items():
        for fraction in FRACTIONS:
            turns = []
            for seed in context.seeds:
                train, test = _parts(corpus, seed)
                train = with_few(train, positive, fraction, seed)
                turns.append(_one(train, test, context, _of_positive(positive)))
            figures[f"{corpus}, {fraction:.1%} {positive}"] = turns
    rows = [
        _row(f"{name}: {metric}", turns, metric)
        for name, turns in figures.items()
        for metric in ("AUC", "average precision")
    ]
    return Result("small-data-rare", rows, {"turns": figures, "splits": SPLITS}, _versions(figures))


SPLITS = (
    "reuters-r8, reuters-r52, 20newsgroups and banking77: the published test part. Others: a fifth of each label is "
    "held out, anew for each seed. Smaller training sets are drawn at random. Both sides get all training texts."
)


def _parts(corpus: str, seed: int) -> tuple[Examples, Examples]:
    if corpus in PUBLISHED:
        splits = lingon.load_data(corpus)
        return splits.train + splits.valid, splits.test
    return stratified_split(everything(corpus), 0.2, seed, "small data")


def _cut(train: Examples, test: Examples, size: int | None, seed: int) -> tuple[Examples, Examples]:
    if size is None:
        return train, test
    order = sorted(range(len(train)), key=lambda i: derive(seed, "small data", i))
    return train[sorted(order[:size])], test


def with_few(train: Examples, positive: str, fraction: float, seed: int) -> Examples:
    """The texts of all other labels, and so few of `positive` that they are that fraction of all."""
    others = [i for i, label in enumerate(train.labels) if label != positive]
    found = [i for i, label in enumerate(train.labels) if label == positive]
    count = max(3, round(len(others) * fraction / (1 - fraction)))
    found = sorted(found, key=lambda i: derive(seed, "few", i))[:count]
    return train[sorted(others + found)]


def _of_positive(positive: str) -> dict[str, Any]:
    """Metrics of the scores [n, 2] of texts, for the label that is rare."""

    def of(metric):
        return lambda scores, targets, labels: metric(
            scores[:, labels.index(positive)] - scores[:, 1 - labels.index(positive)],
            targets == labels.index(positive),
        )

    return {"AUC": of(binary_auc), "average precision": of(average_precision)}


def _one(train: Examples, test: Examples, context: Context, metrics: Mapping[str, Any]) -> Scored:
    known = test[[i for i, label in enumerate(test.labels) if label in set(train.labels)]]  # others are refused
    parts = {"train": train, "test": test, "known": known}
    files = {name: write_csv(context.folder / f"{name}.csv", part) for name, part in parts.items()}
    with Worker("recipe") as worker:
        out = str(context.folder / "run")
        asked = {"data": files["train"], "test": files["known"], "text": "text", "label": "label"}
        ran = worker.ask("run", asked | {"model": "ngrams", "seed": 0, "out": out, "threads": THREADS})
        ours = worker.ask("predict", {"out": out, "texts": test.texts})
    with Worker("linear_peers", "scikit-learn") as worker:
        theirs = worker.ask("run", {name: files[name] for name in ("train", "test")})
    logits = torch.tensor(ours["probabilities"], dtype=torch.float64).clamp_min(1e-300).log()
    found = {"Lingon": _scored(logits, ours["labels"], test, metrics) | {"seconds": ran["seconds"]}}
    for name, scores in theirs["scores"].items():
        found[name] = _scored(torch.tensor(scores, dtype=torch.float64), theirs["labels"], test, metrics)
    return found | {"versions": theirs["versions"]}


def _scored(scores: Any, labels: list[str], test: Examples, metrics: Mapping[str, Any]) -> dict[str, float]:
    # A label that no training text has is never said: it is a class without a score.
    missing = sorted(set(test.labels) - set(labels))
    scores = torch.cat([scores, scores.new_full((len(scores), len(missing)), -1e9)], 1)
    labels = [*labels, *missing]
    targets = torch.tensor([labels.index(label) for label in test.labels])
    own = {accuracy, macro_f1}
    return {n: float(m(scores, targets) if m in own else m(scores, targets, labels)) for n, m in metrics.items()}


def _mean(turns: list[Scored], metric: str) -> Scored:
    return {who: {metric: mean(turn[who][metric] for turn in turns)} for who in turns[0] if who != "versions"}


def _row(what: str, turns: list[Scored], metric: str, tolerance: float = TOLERANCE) -> Row:
    """Means over the splits: not below the better peer by more than the tolerance."""
    values = defaultdict(list)
    for turn in turns:
        for who, found in turn.items():
            if metric in found:
                values[who].append(found[metric])
    means = {who: mean(found) for who, found in values.items()}
    best = max(value for who, value in means.items() if who != "Lingon")
    peers = [Peer(who, Spread(means[who], min(v), max(v))) for who, v in values.items() if who != "Lingon"]
    ours = Spread(means["Lingon"], min(values["Lingon"]), max(values["Lingon"]))
    bar = f"not below the better by over {tolerance:g}" if tolerance else "not below either"
    return Row(what, "score", ours, peers, None, bar, means["Lingon"] >= best - tolerance)


def _versions(figures: Mapping[str, list[Scored]]) -> dict[str, str]:
    first: Any = next(iter(figures.values()))[0]["versions"]
    return first
