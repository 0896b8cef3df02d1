"""Texts per second when many are predicted at once, against the padded loop that people write first."""

from collections.abc import Iterator
from typing import Any

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.measure import Pairs, paired
from benchmarks.result import Result, Row, speed
from benchmarks.reviews import imdb, sample, tokenizer_of
from benchmarks.worker import Worker, exchange
from lingon.tasks.classify.settings import Settings, filled

ROWS, BAR, TOLERANCE = 64, 2, 1e-5
MODELS = {"textcnn": 2048, "bilstm": 1024, "self_attentive": 1024}  # and how many reviews make a turn
PEER = "PyTorch loop, batches of 64 in order, padded to the longest"


def compare(context: Context) -> Iterator[Result]:
    """One result: each model of the recipe's sizes, on whole reviews and on reviews cut as the recipe cuts them."""
    splits = imdb()
    tokenizer = context.folder / "tokenizer.json"
    tokenizer_of(splits.train).save(tokenizer)
    rows, details = [], {}
    for model, count in MODELS.items():
        texts = exchange(context.folder, "texts", sample(splits.test, context.size(count, 128), "bulk").texts)
        for length in (None, cut_of(model, len(splits.train))):
            row, detail = _one(model, {"tokenizer": str(tokenizer), "texts": texts, "length": length}, context)
            rows.append(row)
            details[row.what] = detail
    yield Result("bulk-prediction", rows, details)


def cut_of(model: str, texts: int) -> int | None:
    """How many tokens of a text the recipe lets a model read; None is all."""
    return filled(Settings(model=model), texts).max_length


def _one(model: str, data: dict[str, Any], context: Context) -> tuple[Row, dict[str, Any]]:
    start = data | {"model": model, "config": {}, "rows": ROWS, "threads": THREADS}
    with Worker("bulk") as ours, Worker("bulk") as theirs:
        ours.ask("start", start)
        theirs.ask("start", start)
        pairs = paired(lambda: ours.seconds("ours"), lambda: theirs.seconds("plain"), context.pairs, context.warmups)
        found, expected = ours.ask("found")["found"], theirs.ask("found")["found"]
    apart = max(abs(a - b) for x, y in zip(found, expected, strict=True) for a, b in zip(x, y, strict=True))
    if apart > TOLERANCE:
        raise AssertionError(f"{model}: probabilities differ by {apart:.1e}, more than {TOLERANCE:.0e}")
    return _row(model, data["length"], len(found), pairs), {
        "timed": "from texts to probabilities, tokenizing included, the same model and tokenizer on both sides",
        "texts": len(found),
        "cut_at": data["length"],
        "largest_difference_of_probabilities": apart,
        "seconds": {"ours": pairs.ours, "theirs": pairs.theirs},
    }


def _row(model: str, length: int | None, count: int, pairs: Pairs) -> Row:
    cut = "whole reviews" if length is None else f"reviews cut to {length} tokens"
    return speed(f"predicting with {model.replace('_', '-')}, {cut}", "reviews/s", count, pairs, PEER, BAR)
