"""The two sides of a measurement as processes of their own, which do a piece of work when they are told to."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.environments import ROOT, python_of
from benchmarks.machine import THREADS, thread_limits

WORKERS = ROOT / "benchmarks" / "workers"


class WorkerFailed(RuntimeError):
    """A worker said that it could not do its work, or died."""


class Worker:
    """A program of `workers/` that answers one JSON line for each JSON line it gets.

    peer: whose environment it runs in; None is ours. Use it in a `with` block, which ends the process.
    """

    def __init__(self, program: str, peer: str | None = None, environment: dict[str, str] | None = None):
        python = sys.executable if peer is None else str(python_of(peer))
        own = {**os.environ, **thread_limits(THREADS), "LINGON_QUIET": "1", "PYTHONUNBUFFERED": "1"}
        own.pop("PYTHONPATH", None)
        if peer is None:
            own["PYTHONPATH"] = str(ROOT)
        self.program = program
        self.log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(
            [python, str(WORKERS / f"{program}.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            encoding="utf-8",
            cwd=ROOT,
            env=own | (environment or {}),
        )

    def ask(self, do: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
        """Has the worker do something; returns its answer, with the `seconds` it took."""
        # Whoever is not asked stands still: threads that wait by spinning would slow the other side down.
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.stdin.write(json.dumps({"do": do, "arguments": arguments or {}}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if line:
            self.process.send_signal(signal.SIGSTOP)
        answer = json.loads(line) if line else {"error": "it ended"}
        if "error" in answer:
            raise WorkerFailed(f"worker {self.program}, {do}: {answer['error']}\n{self.said()}")
        return answer

    def seconds(self, do: str = "run", arguments: dict[str, Any] | None = None) -> float:
        """The seconds that a piece of work took."""
        return self.ask(do, arguments)["seconds"]

    def said(self, characters: int = 1500) -> str:
        """The end of what the worker wrote beside its answers."""
        self.log.seek(0)
        return self.log.read()[-characters:]

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()


def exchange(folder: Path, name: str, value: Any) -> str:
    """Writes what both sides are to work on as a JSON file; returns its path."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return str(path)
