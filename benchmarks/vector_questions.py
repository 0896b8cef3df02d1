"""Questions to 400,000 word vectors: nearest words and analogies against gensim, and the evaluation on them all."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.measure import Spread, paired
from benchmarks.result import Result, Row, speed
from benchmarks.worker import Worker
from lingon.data.corpora.questions import load_questions
from lingon.word_vectors.queries import WordVectors

PEER, NAME, COUNT = "gensim 4.4", "glove-6b-50d", 10
SECONDS, MILLISECONDS, MEGABYTES, APART = 60, 50, 1000, 1e-5
WORDS, ANALOGIES, CHECKED = 1000, 500, 200


def compare(context: Context) -> Iterator[Result]:
    """Two results: nearest words and analogies, paired; opening a file, and the evaluation's time and memory."""
    vectors = WordVectors.open(NAME)
    path = context.folder / "vectors.bin"
    vectors.save(path)
    if context.wants("vector-questions-paired"):
        with Worker("lingon_vectors") as ours, Worker("gensim_vectors", "gensim") as theirs:
            ours.ask("start", {"path": str(path), "threads": THREADS})
            peer = theirs.ask("start", {"path": str(path)})
            near = _nearest(context, vectors, ours, theirs)
            answers = _analogies(context, vectors, ours, theirs)
        yield Result("vector-questions-paired", [near[0], answers[0]], near[1] | answers[1], peer["versions"])
    if context.wants("vector-questions-evaluation"):
        with Worker("lingon_vectors") as ours:
            opening = _opening(context, vectors, ours)
        rows, details = _evaluation(context, vectors, path)
        yield Result("vector-questions-evaluation", [opening, *rows], details)


def _nearest(context: Context, vectors: WordVectors, ours: Worker, theirs: Worker) -> tuple[Row, dict[str, Any]]:
    chosen = random.Random(0).sample(range(len(vectors)), context.size(WORDS, 20))
    for side in (ours, theirs):
        side.ask("words", {"words": [vectors.words[i] for i in chosen]})
    asked = {"count": COUNT}
    pairs = paired(
        lambda: ours.seconds("nearest", asked),
        lambda: theirs.seconds("nearest", asked),
        context.pairs,
        context.warmups,
    )
    found, expected = ours.ask("found")["found"], theirs.ask("found")["found"]
    apart = same_neighbours(found, expected)
    row = speed(
        f"the {COUNT} nearest of {len(chosen):,} words among {len(vectors):,}", "words/s", len(chosen), pairs, PEER, 1
    )
    return row, {"nearest": {"seconds": vars(pairs), "largest_difference_of_cosines": apart}}


def same_neighbours(found: list, expected: list) -> float:
    """The largest difference of cosines at the same rank; words may change places only where cosines are equal.

    Raises AssertionError when a word differs whose cosine is not that of its neighbour in rank.
    """
    apart = 0.0
    for mine, their in zip(found, expected, strict=True):
        apart = max(apart, *(abs(a - b) for (_, a), (_, b) in zip(mine, their, strict=True)))
        cosines = dict(map(tuple, their)) | dict(map(tuple, mine))
        for (a, x), (b, y) in zip(mine, their, strict=True):
            if a != b and abs(cosines[b] - x) + abs(cosines[a] - y) > APART:
                raise AssertionError(f"{a!r} {x} here, {b!r} {y} there")
    if apart > APART:
        raise AssertionError(f"cosines differ by {apart:.1e}, more than {APART:.0e}")
    return apart


def _analogies(context: Context, vectors: WordVectors, ours: Worker, theirs: Worker) -> tuple[Row, dict[str, Any]]:
    every = load_questions("google-analogies")
    chosen = random.Random(1).sample(every, context.size(ANALOGIES, 10))
    asked = {"questions": [[word.lower() for word in q[1:4]] for q in chosen]}
    pairs = paired(
        lambda: ours.seconds("analogies", asked),
        lambda: theirs.seconds("analogies", asked),
        context.pairs,
        context.warmups,
    )
    mine, their = ours.ask("found")["found"], [word for word, _ in theirs.ask("found")["found"]]
    if mine != their:
        raise AssertionError(f"{sum(a != b for a, b in zip(mine, their, strict=True))} answers differ from gensim's")
    row = speed(f"analogies answered from all {len(vectors):,} words", "questions/s", len(chosen), pairs, PEER, 1)
    return row, {"analogies": {"seconds": vars(pairs), "asked": len(chosen), "equal": True}}


def _opening(context: Context, vectors: WordVectors, ours: Worker) -> Row:
    path = context.folder / "vectors.safetensors"
    vectors.save(path)
    seconds = [1000 * ours.seconds("opened", {"path": str(path)}) for _ in range(4 * context.pairs + 1)][1:]
    what = f"opening {len(vectors):,} vectors of width {vectors.width} (.safetensors)"
    return Row(what, "ms", Spread.of(seconds), bar=f"≤ {MILLISECONDS} ms", reached=max(seconds) <= MILLISECONDS)


def _evaluation(context: Context, vectors: WordVectors, path: Any) -> tuple[list[Row], dict[str, Any]]:
    """A process of its own for each turn, so that the peak of memory is that of the evaluation."""
    seconds, megabytes, scores = [], [], []
    for _ in context.seeds:
        with Worker("lingon_vectors") as worker:
            worker.ask("start", {"path": str(path), "threads": THREADS})
            scores.append(worker.ask("evaluate", {"most": context.size(100_000, 100)}))
            seconds.append(scores[-1].pop("seconds"))
            megabytes.append(worker.ask("peak")["megabytes"])
            brute_force(vectors, worker, context.size(CHECKED, 5))
    what = f"evaluation on {scores[0]['asked']:,} analogies, {len(vectors):,} words"
    rows = [
        Row(what, "s", Spread.of(seconds), bar=f"≤ {SECONDS} s", reached=max(seconds) <= SECONDS),
        Row(f"{what}: peak", "MB", Spread.of(megabytes), bar=f"< {MEGABYTES:,} MB", reached=max(megabytes) < MEGABYTES),
    ]
    return rows, {"evaluation": {"scores": scores[0], "checked_by_brute_force": context.size(CHECKED, 5)}}


def brute_force(vectors: WordVectors, worker: Worker, count: int) -> None:
    """All cosines of some questions, in 64 bits and without blocks. Raises AssertionError for a better answer."""
    chosen = random.Random(2).sample(load_questions("google-analogies"), count)
    asked = [[word.lower() for word in q[1:4]] for q in chosen]
    worker.ask("analogies", {"questions": asked})
    table = vectors.table / np.linalg.norm(vectors.table.astype(np.float64), axis=1, keepdims=True)
    for (a, b, c), answer in zip(asked, worker.ask("found")["found"], strict=True):
        rows = [vectors.row(word) for word in (a, b, c)]
        scores = table @ (table[rows[1]] - table[rows[0]] + table[rows[2]])
        scores[rows] = -np.inf
        if scores[vectors.row(answer)] < scores.max() - APART:
            raise AssertionError(f"{a} {b} {c}: {answer!r}, better is {vectors.words[int(scores.argmax())]!r}")
