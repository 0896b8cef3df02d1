"""How long the command line takes to answer, and Python to import the package."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.context import Context
from benchmarks.environments import ROOT
from benchmarks.measure import Spread
from benchmarks.result import Result, Row

RUNS, BAR = 20, 0.25
COMMANDS = {
    "`lingon --help`": ["-m", "lingon", "--help"],
    "`import lingon`": ["-c", "import lingon"],
    "Python alone": ["-c", "pass"],
}


def compare(context: Context) -> Iterator[Result]:
    """One result: 20 starts of each command, in turn, after one that fills the caches."""
    seconds: dict[str, list[float]] = {what: [] for what in COMMANDS}
    for turn in range(1 + context.size(RUNS, 3)):
        for what, arguments in COMMANDS.items():
            took = started(arguments)
            if turn:
                seconds[what].append(took)
    helped = sorted(seconds["`lingon --help`"])
    late = percentile(helped, 0.95)
    rows = [
        Row(f"{what}, median start of {len(all_of)}", "s", Spread.of(all_of))
        for what, all_of in seconds.items()
        if what != "Python alone"
    ]
    rows[0] = Row(rows[0].what, "s", rows[0].ours, bar=f"95 % within {BAR:g} s ({late:.3f})", reached=late <= BAR)
    yield Result("start-up", rows, {"seconds": seconds, "p95_of_help": late})


def started(arguments: list[str]) -> float:
    """Seconds from the start of a Python with these arguments to its end."""
    begun = time.perf_counter()
    own = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=own)
    return time.perf_counter() - begun


def percentile(ordered: list[float], share: float) -> float:
    """The least of the figures that at least this share of them does not exceed."""
    place = max(0, -int(-share * len(ordered) // 1) - 1)
    return ordered[place]
