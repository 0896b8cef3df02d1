"""A language model tuned on conversations: full tuning beside LoRA, and LoRA on weights of 8 bits.

Memory is that of a whole process at its most. What all processes have in common, Python with torch and the activations
of a batch, must be small beside the weights, their gradients and their moments, or it hides what LoRA saves: so the
model of ours has many weights and few layers, two thirds of it embeddings, as small published ones have, and a batch
has four conversations. The details of the result say how much each is.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.measure import Spread
from benchmarks.result import Peer, Result, Row
from benchmarks.worker import Worker
from lingon.data.corpora.weights import WEIGHTS
from lingon.data.load_questions import load_questions
from lingon.data.questions import Question

PUBLISHED = "gemma-270m"  # taken where its licence was accepted and it is in the cache; else a model of ours is trained
# A base of ours: it reads passages and questions on other articles for some minutes, so that it knows the language.
BASE = {"model": "decoder", "width": 640, "depth": 4, "set": ["tied=false"], "vocab": 32_000, "context_length": 256}
LONG = {"softmax": "sampled", "batch_size": 4, "steps": 500, "lr": 1e-3, "evals": 1}
QUICK = {"width": 32, "depth": 1, "vocab": 4000, "steps": 2}
READ = 8_000  # questions, with their passages, that the base reads
SHARED = {"max_length": 256, "batch_size": 4, "evals": 3}
STEPS = 120
# All linear layers but the output, whose matrix, as large as all blocks together, an adapter would have to be added to
# at every step; PEFT's all-linear leaves it out too.
ADAPTED = "query,key,value,attention.out,feed_forward.up,feed_forward.down"
THIN = {"tuning": "lora", "lora_layers": ADAPTED, "lora_rank": 8}
CASES: dict[str, dict[str, Any]] = {"full": {"tuning": "full"}, "lora": THIN, "lora-int8": {**THIN, "quantize": "int8"}}
SHARE, MEMORY, LOSS = 0.05, 0.6, 0.02  # at most: of the numbers that train, of memory, and how much worse the loss is
PASSAGE = 400  # characters of a passage that are read before a question


def compare(context: Context) -> Iterator[Result]:
    """Each way of tuning in a process of its own, from the same weights, on the same conversations."""
    base, data = _base(context), _conversations(context)
    runs = {name: _run(name, settings, base, data, context) for name, settings in CASES.items()}
    rows = [row for name in CASES if name != "full" for row in rows_of(name, runs[name], runs["full"])]
    details = {
        "base": PUBLISHED if base == PUBLISHED else {**BASE, **LONG, "data": "passages and questions of squadshifts"},
        "settings": {**SHARED, "steps": STEPS},
        "cases": CASES,
        "data": "questions and answers of xquad as conversations",
        "megabytes": {name: parts_of_memory(run) for name, run in runs.items()},
        "runs": runs,
    }
    yield Result("adaptation", rows, details)


def rows_of(name: str, run: Mapping[str, Any], full: Mapping[str, Any]) -> list[Row]:
    """The rows of a way of tuning beside full tuning: share of numbers that train, memory, loss and time."""
    counts, what = run["facts"]["parameters"], f"tuning a language model by {name}"
    share, loss = counts["trained"] / counts["all"], run["test"]["loss"] - full["test"]["loss"]
    rows = [
        Row(f"{what}: numbers that train", "%", one(100 * share), bar=f"≤ {SHARE:.0%}", reached=share <= SHARE),
        beside(f"{what}: most memory", "MB", run["peak"] / 2**20, full["peak"] / 2**20),
        beside(f"{what}: loss", "nats", run["test"]["loss"], full["test"]["loss"]),
        beside(f"{what}: time", "s", run["laps"]["train"], full["laps"]["train"]),
    ]
    memory, reached = f"≤ {MEMORY:g}x full tuning", run["peak"] <= MEMORY * full["peak"]
    rows[1] = with_bar(rows[1], memory, reached)
    rows[2] = with_bar(rows[2], f"within {LOSS:g} of full tuning", loss <= LOSS)
    return rows


def parts_of_memory(run: Mapping[str, Any]) -> dict[str, float]:
    """Return the MB of a process at its most: what it held before it began, the numbers, and all else.

    Numbers are weights, and of each that trains a gradient and two moments. The rest is activations, the data, and
    what reading takes: for a moment weights are there twice.
    """
    counts = run["facts"]["parameters"]
    before = run["imported"] / 2**20
    numbers = (counts["bytes"] + 12 * counts["trained"]) / 2**20
    most = run["peak"] / 2**20
    return {"most": most, "python and torch": before, "numbers": numbers, "the rest": most - before - numbers}


def beside(what: str, unit: str, ours: float, full: float) -> Row:
    """A row of one figure beside that of full tuning."""
    return Row(what, unit, one(ours), [Peer("full tuning", one(full))])


def with_bar(row: Row, bar: str, reached: bool) -> Row:
    """The row with what was to be reached."""
    return Row(row.what, row.unit, row.ours, row.peers, bar=bar, reached=reached)


def one(value: float) -> Spread:
    """A figure that was taken once."""
    return Spread.of([value])


def _base(context: Context) -> str:
    """The weights to start from: the name of published ones, or the folder of a model that is trained here."""
    if WEIGHTS[PUBLISHED].cached and not context.quick:
        return PUBLISHED
    out, text = str(Path(context.folder) / "base"), Path(context.folder) / "text.txt"
    questions = load_questions("squadshifts", "all")
    some = questions[:: len(questions) // context.size(READ, 400)]
    text.write_text("\n\n".join(f"{part_read(one)}\n\n{one.question}\n{one.answers[0].text}" for one in some), "utf-8")
    settings = {**BASE, **LONG, **(QUICK if context.quick else {})}
    asked = {"task": "language-model", "source": {"data": [str(text)]}, "settings": settings, "threads": THREADS}
    with Worker("train_task") as worker:
        worker.ask("run", {**asked, "out": out})
    return out


def _conversations(context: Context) -> str:
    """A file of questions with their answers, each after the end of its passage that holds the answer."""
    path, questions = Path(context.folder) / "chats.jsonl", load_questions("xquad", "all")
    with path.open("w", encoding="utf-8") as file:
        for asked in questions[: context.size(len(questions), 40)]:
            prompt = f"{part_read(asked)}\n\n{asked.question}"
            file.write(json.dumps({"prompt": prompt, "completion": asked.answers[0].text}) + "\n")
    return str(path)


def part_read(asked: Question) -> str:
    """Return the part of a passage that holds the answer, to be read before the question."""
    start = max(0, asked.answers[0].end - PASSAGE // 2)
    return asked.context[start : start + PASSAGE]


def _run(name: str, settings: Mapping[str, Any], base: str, data: str, context: Context) -> dict[str, Any]:
    steps = {"steps": context.size(STEPS, 2), "evals": context.size(3, 1)}
    asked = {"task": "chat", "source": {"data": data}, "settings": {**SHARED, **settings, "from_": base, **steps}}
    with Worker("train_task") as worker:
        return worker.ask("run", {**asked, "threads": THREADS, "out": str(Path(context.folder) / name)})
