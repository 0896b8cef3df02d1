"""Question answering on XQuAD, trained on SQuADShifts: exact match and F1, beside answers by overlapping words."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.measure import Spread
from benchmarks.result import Peer, Result, Row, at_most, score
from benchmarks.seeds import trained
from benchmarks.word_overlap import answer
from benchmarks.worker import Worker
from lingon.data.load_questions import load_question_splits, load_questions
from lingon.data.questions import Question
from lingon.metrics.exact_match import answer_scores

SOURCE, TRAIN, TEST = "minilm-l6", "squadshifts", "xquad"
SETTINGS = {"from_": SOURCE, "precision": "bfloat16", "max_length": 256, "evals": 2, "lr": 2e-4, "epochs": 2}
LEAST, ABOVE, EPOCH = 0.55, 0.30, 1200.0  # F1, F1 above the baseline, seconds
BASELINE = "overlapping words"


def compare(context: Context) -> Iterator[Result]:
    """Yield the result after each seed: scores of the recipe on XQuAD, the baseline, and the seconds of an epoch."""
    questions = load_questions(TEST)[: 20 if context.quick else None]
    files = _quick_files(context.folder, questions) if context.quick else {"data": TRAIN, "test": TEST}
    base = answer_scores([answer(one.question, one.context) for one in questions], [one.texts for one in questions])
    for details in trained(context, "answers", SETTINGS, lambda seed: _run(files, seed, context)):
        more = {"baseline": base, "questions": len(questions)}
        yield Result("answers", _rows(details["runs"], base), details | more)


def _rows(runs: Sequence[Any], base: dict[str, float]) -> list[Row]:
    return [
        _beside(f"F1 of MiniLM on {TEST}, trained on {TRAIN}", "f1", runs, base, LEAST),
        _beside(f"exact match of MiniLM on {TEST}, trained on {TRAIN}", "exact_match", runs, base, None),
        _above([run["f1"] - base["f1"] for run in runs]),
        at_most("an epoch of that training, validation included", "s", [run["epoch"] for run in runs], EPOCH),
    ]


def _beside(what: str, metric: str, runs: Sequence[Any], base: dict[str, float], least: float | None) -> Row:
    return score(what, [run[metric] for run in runs], {BASELINE: [base[metric]]}, least)


def _above(gains: list[float]) -> Row:
    said, base = f"≥ {ABOVE:g} above {BASELINE}", [Peer(BASELINE, Spread.of([0.0]))]
    return Row(f"F1 above {BASELINE}", "score", Spread.of(gains), base, None, said, median(gains) >= ABOVE)


def _run(files: dict[str, str], seed: int, context: Context) -> dict[str, Any]:
    quick = {"steps": 2, "evals": 1, "batch_size": 2, "max_length": 64} if context.quick else {}
    out = str(Path(context.folder) / f"answers-{seed}")
    with Worker("answers") as worker:
        given = {**files, "seed": seed, "out": out, "threads": THREADS, "settings": SETTINGS | quick}
        return worker.ask("run", given)


def _quick_files(folder: Path, questions: Sequence[Question]) -> dict[str, str]:
    """A few questions of each corpus as files, for a run that only shows that it works."""
    train = load_question_splits(TRAIN).valid[:30]
    return {"data": _file(folder / "train.jsonl", train), "test": _file(folder / "test.jsonl", questions)}


def _file(path: Path, questions: Sequence[Question]) -> str:
    with open(path, "w", encoding="utf-8") as file:
        for one in questions:
            answers = {"text": one.texts, "answer_start": [found.start for found in one.answers]}
            row = {"id": one.id, "context": one.context, "question": one.question, "answers": answers}
            file.write(json.dumps(row) + "\n")
    return str(path)
