"""From `git clone` to the first prediction of a model one has trained oneself, and where the time goes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.context import Context
from benchmarks.environments import ROOT
from benchmarks.measure import Spread
from benchmarks.result import Result, Row
from lingon.core.files import read_json

SENTENCE = "A warm, clever film that I would watch again tomorrow."


def compare(context: Context) -> Iterator[Result]:
    """One result, of one run: what `make run` does, step by step, in a new clone with an empty cache of Lingon's own.

    The package installer's cache is as it is on this machine. A quick run installs nothing and hardly trains.
    """
    home = context.folder / "clone"
    environment = {**os.environ, "LINGON_CACHE": str(context.folder / "cache"), "LINGON_QUIET": "1"}
    environment.pop("PYTHONPATH", None)
    python = home / ".venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if context.quick:
        python, environment["PYTHONPATH"] = Path(sys.executable), str(home)
    parts = {
        name: _timed(name, command, environment, context.folder if name == "clone" else home)
        for name, command in steps(home, python, context.quick).items()
    }
    total = sum(parts.values())
    where = ", ".join(f"{name} {seconds:.0f}" for name, seconds in parts.items())
    row = Row(f"from clone to the first prediction ({where})", "s", Spread.of([total]))
    laps = read_json(home / "runs" / "sentiment" / "run.json").get("seconds", {})
    details = {"seconds": parts, "seconds_of_training": laps, "lingon_cache": "empty", "package_caches": "as found"}
    yield Result("first-prediction", [row], details)


def steps(home: Path, python: Path, quick: bool) -> dict[str, list[str]]:
    """The commands, in their order: those of the Makefile."""
    lingon = [str(python), "-m", "lingon"]
    install = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "-q", "-c", "constraints.txt"]
    made = {
        "environment": [sys.executable, "-m", "venv", str(home / ".venv")],
        "install": [*install, "-e", ".[dev]"],
    }
    return {
        "clone": ["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(home)],
        **({} if quick else made),
        "fetch": [*lingon, "data", "get", "imdb"],
        "train": [*lingon, "train", "sentiment", "--out", "runs/sentiment", *(["--epochs", "0.1"] if quick else [])],
        "predict": [*lingon, "predict", "runs/sentiment", SENTENCE],
    }


def _timed(name: str, command: list[str], environment: dict[str, str], folder: Path) -> float:
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    took = time.perf_counter() - begun
    if done.returncode:
        raise RuntimeError(f"{name}: {' '.join(command)}\n{(done.stdout + done.stderr)[-1500:]}")
    print(f"  {name}: {took:.1f} s", file=sys.stderr, flush=True)
    return took
