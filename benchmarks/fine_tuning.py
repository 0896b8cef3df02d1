"""Fine-tuning MiniLM beside the Trainer of transformers: time on the same texts, accuracy, and the most memory."""

import random
from collections.abc import Iterator
from typing import Any

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.measure import Spread, paired
from benchmarks.result import Peer, Result, Row, speed
from benchmarks.worker import Worker, exchange
from lingon.data.corpora.encoders import encoder_folder
from lingon.data.load_data import load_data

PEER, ENVIRONMENT = "transformers' Trainer, grouped by length", "transformers-trainer"
SOURCE, ROWS, LR, LENGTH = "minilm-l6", 32, 1e-4, 256
TEXTS, TESTED = 1536, 1000
LONG, STEPS = 128, 3  # tokens of a text, and steps, of what memory is measured on
FASTER, FULL, LORA = 1.25, 1.0, 0.6
PRECISIONS = ("float32", "bfloat16")  # of both sides


def compare(context: Context) -> Iterator[Result]:
    """Seconds of an epoch in turns, in each of two precisions, and the most memory of a process each."""
    for precision in PRECISIONS:
        if context.wants(named(precision)):
            yield _speed(context, precision)
    if context.wants("fine-tuning-memory"):
        yield _memory(context)


def named(precision: str) -> str:
    """The name of a result of speed."""
    return "fine-tuning-speed" if precision == "float32" else f"fine-tuning-speed-{precision}"


def _speed(context: Context, precision: str) -> Result:
    texts = exchange(context.folder, "banking", _banking(context.size(TEXTS, 64), context.size(TESTED, 64)))
    shared = {"texts": texts, "threads": THREADS, "rows": ROWS, "lr": LR, "epochs": 1, "precision": precision}
    with Worker("fine_tuning_lingon") as ours, Worker("fine_tuning_trainer", ENVIRONMENT) as theirs:
        mine = ours.ask("start", shared | {"source": SOURCE})
        peer = theirs.ask("start", shared | {"source": str(encoder_folder(SOURCE)), "max_length": LENGTH})
        turns: dict[str, list[dict[str, Any]]] = {"ours": [], "theirs": []}
        pairs = paired(_turn(ours, turns["ours"]), _turn(theirs, turns["theirs"]), context.pairs, context.warmups)
        scores = {name: worker.ask("score")["accuracy"] for name, worker in (("ours", ours), ("theirs", theirs))}
    row = speed(f"fine-tuning MiniLM on intents, {precision}", "texts/s", context.size(TEXTS, 64), pairs, PEER, FASTER)
    details = {
        "timed": "one pass over the texts in batches of 32, from token ids to updated weights",
        "data": "banking77",
        "settings": mine["settings"],
        "weights": {"ours": mine["weights"], "theirs": peer["weights"]},
        "their_grouping": peer["grouped"],
        "turns": turns,
        "accuracy_after_all_turns": scores,
    }
    return Result(named(precision), [row], details, peer["versions"])


def _memory(context: Context) -> Result:
    texts = exchange(context.folder, "long", _long(ROWS * STEPS))
    shared = {"texts": texts, "threads": THREADS, "rows": ROWS, "lr": LR, "epochs": 1}
    own = {"source": SOURCE, "max_length": LONG}
    cases = {"full": {}, "lora": {"tuning": "lora"}}
    with Worker("fine_tuning_trainer", ENVIRONMENT) as worker:
        started = worker.ask("start", shared | {"source": str(encoder_folder(SOURCE)), "max_length": LONG})
        theirs = worker.ask("run")["peak"]
    rows, peaks = [], {"theirs": theirs}
    for (name, more), most in zip(cases.items(), (FULL, LORA), strict=True):
        with Worker("fine_tuning_lingon") as worker:
            worker.ask("start", shared | own | more)
            peaks[name] = worker.ask("run")["peak"]
        figures = [Spread.of([peak / 2**20]) for peak in (peaks[name], theirs)]
        what = f"most memory of fine-tuning MiniLM, 32 x 128 tokens: {name}"
        bar, reached = f"≤ {most:g}x their memory", peaks[name] <= most * theirs
        rows.append(Row(what, "MiB", figures[0], [Peer(PEER, figures[1])], None, bar, reached))
    return Result("fine-tuning-memory", rows, {"peak_bytes": peaks, "steps": STEPS}, started["versions"])


def _turn(worker: Worker, kept: list[dict[str, Any]]):
    def turn() -> float:
        kept.append(worker.ask("run"))
        return kept[-1]["seconds"]

    return turn


def _banking(train: int, test: int) -> dict[str, dict[str, list[str]]]:
    """Texts of the corpus, drawn by a seed: those of training hold every label."""
    splits, draw = load_data("banking77"), random.Random(0)
    found = {}
    for name, part, size in (("train", splits.train, train), ("test", splits.test, test)):
        rows = draw.sample(range(len(part)), min(size, len(part)))
        first = {label: i for i, label in enumerate(part.labels)} if name == "train" else {}
        rows = list(dict.fromkeys([*first.values(), *rows]))[: max(size, len(first))]
        found[name] = {"texts": [part.texts[i] for i in rows], "labels": [part.labels[i] for i in rows]}
    return found


def _long(count: int) -> dict[str, dict[str, list[str]]]:
    """Texts that fill 128 tokens."""
    draw = random.Random(0)
    words = ["a", "film", "of", "the", "house", "was", "good", "bank", "card", "time"]
    texts = [" ".join(draw.choices(words, k=2 * LONG)) for _ in range(count)]
    part = {"texts": texts, "labels": [str(i % 2) for i in range(count)]}
    return {"train": part, "test": {name: values[:ROWS] for name, values in part.items()}}
