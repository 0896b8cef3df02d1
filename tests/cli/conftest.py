"""A small trained run for the commands to work on: real code, constructed texts."""

import atexit
import csv
import os
import random
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest

from scripts.warm_lingon import start

WORDS = {"1": ["bad", "awful", "dull"], "3": ["okay", "average", "fair"], "5": ["good", "lovely", "warm"]}
FILLING = ["the", "film", "was", "a", "story", "of", "two", "people", "in", "rain", "and", "snow", "with", "dogs"]


def write_reviews(path: Path, count: int = 120) -> Path:
    """A csv with three labels, each told by its own words."""
    draw = random.Random(7)
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["id", "review", "stars"])
        for i in range(count):
            stars = draw.choice(list(WORDS))
            text = draw.choices(FILLING, k=draw.randint(2, 13)) + draw.choices(WORDS[stars], k=2)
            out.writerow([i, " ".join(text), stars])
    return path


@cache
def _command() -> tuple[str, ...]:
    """What starts the command line: a program that forks a process of its own, where the system can."""
    if not hasattr(os, "fork"):
        return sys.executable, "-m", "lingon"
    folder = Path(tempfile.mkdtemp(prefix="lingon-warm-"))
    program, process = start(folder)
    atexit.register(lambda: (process.kill(), process.wait(), shutil.rmtree(folder, ignore_errors=True)))
    return (str(program),)


def lingon(*arguments: object, cwd: Path | None = None, stdin: str | None = None) -> subprocess.CompletedProcess:
    """Runs the command line in a process of its own, which is forked from one that has imported torch."""
    words = [*_command(), *map(str, arguments)]
    return subprocess.run(words, cwd=cwd, input=stdin, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder with mine.csv and a finished run in runs/classify."""
    folder = tmp_path_factory.mktemp("cli")
    write_reviews(folder / "mine.csv")
    done = lingon(
        "train", "classify", "--data", "mine.csv", "--model", "bag", "--epochs", "20", "--lr", "0.02", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return folder
