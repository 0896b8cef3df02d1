"""From a csv file to a saved classifier by the default command: whole processes, start-up included."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from benchmarks.context import Context
from benchmarks.csv_files import write_csv
from benchmarks.machine import THREADS
from benchmarks.result import Result, at_most
from benchmarks.reviews import imdb, sample
from lingon.data.examples import Examples

TURNS = 5
SMALL, LARGE = 2_000, 500_000  # texts
SECONDS = {SMALL: 8.0, LARGE: 45.0}


def compare(context: Context) -> Iterator[Result]:
    """One result: the seconds for 2,000 reviews and for 500,000 short texts, and the size of the run folder."""
    train = imdb().train
    sets = {
        SMALL: ("long film reviews", sample(train, SMALL, "file to bundle"), TURNS),
        LARGE: ("short texts, constructed: pieces of film reviews", pieces(train, LARGE), 1),
    }
    rows, details = [], {}
    for count, (what, examples, turns) in sets.items():
        examples = examples[:200] if context.quick else examples
        data, out = write_csv(context.folder / f"{count}.csv", examples), context.folder / "run"
        seconds = [_train(data, out) for _ in range(1 if context.quick else turns)]
        rows.append(at_most(f"{count:,} {what}: from the file to a saved model", "s", seconds, SECONDS[count]))
        size, weights = _bytes(out), (out / "bundle" / "model.safetensors").stat().st_size
        rows.append(at_most(f"{count:,} texts: size of the run folder", "x its weights", [size / weights], 2.0))
        details[f"{count} texts"] = {"seconds": seconds, "bytes": size, "bytes_of_weights": weights}
    yield Result("file-to-bundle", rows, details)


def pieces(examples: Examples, count: int) -> Examples:
    """So many texts of 5 to 13 words, cut from texts one after another, again and again until there are enough."""
    random, texts, labels = Random(0), [], []
    while len(texts) < count:
        for text, label in zip(examples.texts, examples.labels, strict=True):
            found = list(_cut(text.split(), random))
            texts += found
            labels += [label] * len(found)
    order = random.sample(range(len(texts)), count)
    return Examples([texts[i] for i in order], [labels[i] for i in order])


def _cut(words: Sequence[str], random: Random) -> Iterator[str]:
    start = 0
    while start < len(words):
        length = random.randint(5, 13)
        yield " ".join(words[start : start + length])
        start += length


def _train(data: str, out: Path) -> float:
    command = [sys.executable, "-m", "lingon", "train", "classify", "--data", data, "--text", "text"]
    command += ["--label", "label", "--out", str(out), "--overwrite"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(THREADS), "LINGON_QUIET": "1"}
    begun = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    took = time.perf_counter() - begun
    if done.returncode:
        raise RuntimeError(done.stderr[-1500:])
    return took


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
