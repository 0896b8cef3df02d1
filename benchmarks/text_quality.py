"""What two language models reach on held-out text, and how long they take: an LSTM on ptb, a decoder on English."""

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.context import Context
from benchmarks.environments import ROOT
from benchmarks.machine import THREADS, thread_limits
from benchmarks.measure import Spread
from benchmarks.result import Result, Row
from lingon.core.files import read_json

# The commands as anybody would type them; what they leave out is the recipe's choice.
PTB = (
    "train language-model --data ptb --accept-licence --model lstm --tokenizer spaces --vocab 10000 --width 400 "
    "--epochs 14 --lr 2e-3 --dropout 0.5 --batch-size 20 --precision bfloat16 --softmax sampled --evals 14"
)
ENGLISH = "train language-model --data english --model decoder --steps 1400 --precision bfloat16"
BEGINNING = "The"


def compare(context: Context) -> Iterator[Result]:
    """Two results, of one run each: perplexity on ptb with and without the cache, bits per byte of English."""
    if context.wants("text-quality-ptb"):
        yield _ptb(context)
    if context.wants("text-quality-english"):
        yield _english(context)


def _ptb(context: Context) -> Result:
    run, record, seconds = _trained(context, "ptb", PTB)
    plain = record["test"]["perplexity"]
    data = ("--data", "ptb", "--accept-licence", "--split", "test", "--json")
    cached = json.loads(_lingon("evaluate", str(run), *data, "--cache"))["perplexity"]
    rows = [
        _at_most("LSTM on ptb, 2 layers of 400: test perplexity", "perplexity", plain, 105),
        _at_most("LSTM on ptb with the cache of its last 2,000 states: test perplexity", "perplexity", cached, 88),
        _at_most("LSTM on ptb, from text to test", "s", seconds, 3600),
    ]
    return Result("text-quality-ptb", rows, _details(PTB, record))


def _english(context: Context) -> Result:
    run, record, seconds = _trained(context, "english", ENGLISH)
    said = _lingon("generate", str(run), "--prompt", BEGINNING, "--max-new-tokens", "120", "--temperature", "0.8")
    bits = record["test"]["bits_per_byte"]
    rows = [
        Row("decoder on all English corpora, held-out text", "bits per byte", Spread.of([bits])),
        _at_most("decoder on all English corpora, from text to test", "s", seconds, 900),
    ]
    return Result("text-quality-english", rows, _details(ENGLISH, record) | {"it writes": said})


def _trained(context: Context, name: str, command: str) -> tuple[Path, dict[str, Any], float]:
    """The folder and record of a run, and its seconds. The text is fetched before, its ids are made within."""
    run = context.folder / name
    begun = time.perf_counter()
    quick = ["--steps", "10", "--width", "16"] if context.quick else []
    _lingon(*command.split(), "--out", str(run), *quick)
    return run, read_json(run / "run.json"), time.perf_counter() - begun


def _lingon(*arguments: str) -> str:
    environment = {**os.environ, **thread_limits(THREADS)}
    call = [sys.executable, "-m", "lingon", *arguments]
    done = subprocess.run(call, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"lingon {' '.join(arguments)}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


def _at_most(what: str, unit: str, figure: float, bar: float) -> Row:
    return Row(what, unit, Spread.of([figure]), bar=f"≤ {bar:,g}", reached=math.isfinite(figure) and figure <= bar)


def _details(command: str, record: dict[str, Any]) -> dict[str, Any]:
    kept = ("test", "valid", "tokens", "seconds")
    return {"command": f"lingon {command}", "seeds": [0]} | {name: record[name] for name in kept}
