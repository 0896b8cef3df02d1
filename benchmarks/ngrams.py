"""Hashed n-grams: seconds from texts to a model, and its accuracy, against fastText with bigrams."""

from collections.abc import Iterator
from typing import Any

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.measure import paired
from benchmarks.result import Result, score, wall_time
from benchmarks.reviews import imdb, mixed, texts_of
from benchmarks.worker import Worker, exchange

# The learning rate is the best of .05, .1, .2, .5 and 1 on the validation reviews; 5 epochs are fastText's own.
FASTTEXT: dict[str, Any] = {"lr": 0.5, "epochs": 5}
NAME = "fastText, bigrams"


def compare(context: Context) -> Iterator[Result]:
    """One result of two rows. Each turn has a seed of its own; both read, tokenize and train, and test untimed."""
    splits = imdb()
    # fastText reads its file from the start to the end and does not mix it, so it gets its lines mixed.
    parts = {"train": mixed(splits.train), "test": splits.test}
    paths = {name: exchange(context.folder, name, texts_of(part)) for name, part in parts.items()}
    scores: dict[str, list[float]] = {"ours": [], "theirs": []}
    laps, training = [], []
    with Worker("recipe") as ours, Worker("fasttext_train", "fasttext") as theirs:
        peer = theirs.ask("start", paths | FASTTEXT | {"folder": str(context.folder), "threads": THREADS})

        def our_turn() -> float:
            run = {"data": "imdb", "model": "ngrams", "seed": len(laps), "out": str(context.folder / "run")}
            answer = ours.ask("run", run | {"threads": THREADS})
            laps.append(answer["laps"])
            scores["ours"].append(answer["accuracy"])
            return answer["seconds"]

        def their_turn() -> float:
            answer = theirs.ask("run", {"seed": len(training)})
            training.append(answer["training"])
            scores["theirs"].append(theirs.ask("score")["accuracy"])
            return answer["seconds"]

        pairs = paired(our_turn, their_turn, context.pairs, context.warmups)
    rows = [
        wall_time("n-grams: from 18,000 film reviews to a model", pairs, NAME, bar=1),
        score("n-grams: accuracy on held-out film reviews", scores["ours"], {NAME: scores["theirs"]}, bar=NAME),
    ]
    details = {
        "timed": "ours: reading, vocabulary, ids, training with validation; theirs: reading, normalizing, training",
        "not_timed": "what the warm-up takes once: kernels are compiled, files come into memory",
        "fasttext": FASTTEXT | {"wordNgrams": 2, "dim": 100},
        "seconds": {"ours": pairs.ours, "theirs": pairs.theirs},
        "seconds_of_our_parts": laps,
        "seconds_of_fasttext_itself": training,
        "accuracies": scores,
        "train": splits.source,
    }
    yield Result("ngrams", rows, details, peer["versions"])
