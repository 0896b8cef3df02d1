"""The exported sentiment model in C++, Node.js and a page, beside Python: start-up, size, and speed at one review."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.context import Context
from benchmarks.environments import ROOT
from benchmarks.machine import THREADS
from benchmarks.measure import Pairs, Spread, paired
from benchmarks.result import Peer, Result, Row, speed, wall_time
from benchmarks.reviews import imdb, sample
from benchmarks.worker import Worker, exchange
from examples.portable import build
from lingon.export.portable import export

SENTENCE = "A warm, clever film that I would watch again tomorrow."
PEER, TOLERANCE = "Python, lingon.load", 1e-4
PACKAGES = ("torch", "numpy", "numba", "llvmlite", "tokenizers", "safetensors", "lingon")  # what Python loads for it


def compare(context: Context) -> Iterator[Result]:
    """One result. Logits of all are compared with Python's before anything is timed."""
    run = _trained(context)
    onnx, pt2 = (export(run, to, context.folder / to).folder for to in ("onnx", "torch"))
    machine_code = build.compiled(pt2, context.folder / "compiled.pt2")
    scripts = build.javascript()
    page = build.page(onnx, context.folder / "page")
    programs = {
        "C++, libtorch": [str(build.cpp()), str(pt2), str(machine_code)],
        "Node.js": ["node", str(scripts / "classify.mjs"), str(onnx)],
    }
    texts = sample(imdb().test, context.size(100, 10), "portable").texts
    rows: list[Row] = []
    python = [sys.executable, "-m", "lingon", "predict", str(run), SENTENCE]
    for name, command in programs.items():
        pairs = paired(
            lambda command=command: _started([*command, SENTENCE]),
            lambda: _started(python),
            context.pairs,
            context.warmups,
        )
        rows.append(wall_time(f"from nothing to a first label, {name}", pairs, "Python, lingon predict"))
    with Worker("one_text") as worker:
        worker.ask(
            "start_bundle", {"bundle": str(run), "texts": exchange(context.folder, "t", texts), "threads": THREADS}
        )
        worker.ask("whole")
        expected, details = worker.ask("found")["found"], {}
        asked: dict[str, Callable[..., dict[str, Any]]]
        asked = {name: lambda command=command: build.ask(command, texts) for name, command in programs.items()}
        asked["a page in Chromium"] = lambda: build.browse(page, texts)
        for name, ask in asked.items():
            pairs, answer = _speed(ask, worker, context)
            details[name] = {
                "largest_difference": _apart(name, answer, expected),
                "start_up_ms": answer.get("start_up"),
            }
            rows.append(
                speed(f"one review at a time, from text to logits, {name}", "reviews/s", len(texts), pairs, PEER)
            )
    sizes = _sizes(onnx, pt2, machine_code, scripts, page, Path(programs["C++, libtorch"][0]))
    rows += [
        Row(f"to ship, model included, {name}", "MB", Spread.of([size]), [Peer("Python", Spread.of([sizes["Python"]]))])
        for name, size in sizes.items()
        if name != "Python"
    ]
    yield Result("portable", rows, details | {"megabytes": sizes, "texts": len(texts)})


def _trained(context: Context) -> Path:
    """A run of the recipe as `make run` has it."""
    run = context.folder / "sentiment"
    short = ["--epochs", "0.1"] if context.quick else []
    command = [sys.executable, "-m", "lingon", "train", "sentiment", "--out", str(run), *short]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return run


def _started(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    return time.perf_counter() - begun


def _speed(ask, worker: Worker, context: Context) -> tuple[Pairs, dict]:
    """Seconds for all texts, as each program counts them itself: its start is not among them."""
    answers = []

    def ours() -> float:
        answers.append(ask())
        return sum(answers[-1]["milliseconds"]) / 1000

    return paired(ours, lambda: worker.seconds("whole"), context.pairs, context.warmups), answers[-1]


def _apart(name: str, answer: dict, expected: list[list[float]]) -> float:
    pairs = zip(answer["logits"], expected, strict=True)
    apart = max(abs(a - b) for x, y in pairs for a, b in zip(x, y, strict=True))
    if apart > TOLERANCE:
        raise AssertionError(f"{name}: logits differ by {apart:.1e}, more than {TOLERANCE:.0e}")
    return apart


def _sizes(onnx: Path, pt2: Path, machine_code: Path, scripts: Path, page: Path, program: Path) -> dict[str, float]:
    """Megabytes of everything that must be there beside the system, Node.js or a browser, by language."""
    packages = [Path(find_spec(name).origin).parent for name in PACKAGES]
    libtorch = [path for path in (packages[0] / "lib").glob("*.so*") if "python" not in path.name]
    modules, scripts_of = scripts / "node_modules", scripts.glob("*.mjs")
    node = [modules / "onnxruntime-common", *(modules / "onnxruntime-node").glob("bin/napi-v*/linux/x64")]
    parts = {
        "C++, libtorch": [pt2 / "config.json", pt2 / "tokenizer.json", machine_code, program, *libtorch],
        "Node.js": [onnx, *node, modules / "onnxruntime-node" / "dist", *scripts_of],
        "a page": [page],
        "Python": [onnx / "model.onnx", onnx / "tokenizer.json", *packages],
    }
    return {name: sum(map(_bytes, paths)) / 1e6 for name, paths in parts.items()}


def _bytes(path: Path) -> int:
    return path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
