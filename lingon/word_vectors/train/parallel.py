"""Trains word vectors on all cores: pieces of text in turn, and tables that all threads share."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.errors import DataError, Interrupted, NotFinite
from lingon.core.progress import track
from lingon.data.word_id_file import read_ids
from lingon.engine.interrupt import interruptible
from lingon.engine.run import Run

LOWEST = 1e-4  # of the learning rate, as a share: what it falls to
ROWS = 200  # of metrics.jsonl, over a whole training
RECENT = 50  # pieces whose mean loss is reported
USUAL = 0.05  # the largest learning rate that a method begins with
LOOKED_AT = 1000  # rows of the most frequent words that are looked at after every piece


@dataclass(frozen=True)
class Job:
    """Pieces 0 to `pieces` of work. work(piece, lr) does one, returns the loss, over how many, and `unit`s done.

    ready(): compiles the loops that work() calls. units: how many words, or pairs of words, all pieces together are.
    """

    work: Callable[[int, float], tuple[float, int, int]]
    ready: Callable[[], None]
    pieces: int
    lr: float
    tables: dict[str, np.ndarray]  # all that changes, by name
    epochs: int
    units: int
    unit: str
    falls: bool = True  # the learning rate falls in a straight line


def piece_sizes(length: int, epochs: int) -> tuple[int, int]:
    """Numbers in a piece, and pieces of an epoch: at least some hundred over all, so that the learning rate falls."""
    size = max(500, min(100_000, length * epochs // 400))
    return size, -(-length // size)


def piece_reader(ids: Path, length: int, epochs: int) -> Callable[[int], np.ndarray]:
    """Piece k of the text read `epochs` times over."""
    size, each = piece_sizes(length, epochs)
    return lambda k: read_ids(ids, k % each * size, min(size, length - k % each * size))


def piece_seed(seed: int, piece: int) -> int:
    """Return a seed for every piece, never 0, so that a run continues as if it had not been stopped (SplitMix64)."""
    state = (seed * 0x9E3779B97F4A7C15 + (piece + 1) * 0xBF58476D1CE4E5B9) & (1 << 64) - 1
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & (1 << 64) - 1
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB & (1 << 64) - 1
    return (state ^ (state >> 31)) or 1


class Pool:
    """Does the pieces of a job in their order, several at a time, without locks on the tables (Hogwild).

    With one thread the result follows from the seed alone. Source: Recht, Re, Wright, Niu, "Hogwild!", 2011.
    """

    def __init__(self, job: Job, threads: int, done: int = 0):
        self.job, self.threads, self.done = job, threads, done
        self._next, self._lock = done, threading.Lock()
        self._failed = False

    def run(self, until: int, report: Callable[[int, float, int], None], stopped: Callable[[], bool]) -> int:
        """Works up to piece `until`, or until `stopped()`; returns how many are done.

        report(words, sum of losses, over how many) is called after each piece. Raises NotFinite when numbers overflow.
        """
        until = min(until, self.job.pieces)
        with ThreadPoolExecutor(self.threads) as pool:
            for future in [pool.submit(self._take, until, report, stopped) for _ in range(self.threads)]:
                future.result()
        self.done = self._next
        return self.done

    def _take(self, until: int, report: Callable, stopped: Callable[[], bool]) -> None:
        while True:
            with self._lock:
                if self._next >= until or stopped() or self._failed:
                    return
                piece = self._next
                self._next += 1
            lr = self.job.lr * (max(LOWEST, 1 - piece / self.job.pieces) if self.job.falls else 1)
            try:
                loss, count, words = self.job.work(piece, lr)
                self._check(loss, piece, lr, LOOKED_AT)
            except BaseException:
                self._failed = True
                raise
            with self._lock:
                report(words, loss, count)

    def check(self) -> None:
        """Look at every number. Raises NotFinite."""
        self._check(0.0, self.done, self.job.lr, None)

    def _check(self, loss: float, piece: int, lr: float, rows: int | None) -> None:
        bad = next((name for name, table in self.job.tables.items() if not np.isfinite(table[:rows]).all()), None)
        if bad or not np.isfinite(loss):
            raise NotFinite(
                f"{bad or 'the loss'} has NaN or infinite numbers after piece {piece:,} of {self.job.pieces:,} with a "
                f"learning rate of {lr:.3g}; try --lr {min(self.job.lr / 4, USUAL):.2g}"
            )


def run_job(job: Job, threads: int, run: Run) -> tuple[float, float]:
    """Does all pieces of a job that the run has not done yet, saved as it goes; returns units per second and the loss.

    Raises NotFinite when numbers overflow, Interrupted after Ctrl-C, once the state is saved.
    """
    done, recent = _restored(run, job)
    pool, losses = Pool(job, threads, done), deque(recent, maxlen=RECENT)
    steps, each = count(pool.done + 1), max(1, job.pieces // ROWS)
    before = job.units * pool.done // job.pieces
    with track(1, "compile the loops, once on this machine", "time"):
        job.ready()
    with track(job.units, "train", job.unit, before) as bar, interruptible(bar.say) as stop:

        def report(units: int, loss: float, over: int) -> None:
            losses.append((loss, over))
            mean = _mean(losses)
            bar.advance(units, loss=mean)
            if (step := next(steps)) % each == 0:
                run.log(step, epoch=step / job.pieces * job.epochs, loss=mean, units_per_second=round(bar.speed, 1))

        while pool.done < job.pieces:
            pool.run(job.pieces, report, lambda: stop.asked or run.due(0))
            pool.check()
            run.save(pool.done, {"tables": dict(job.tables), "pool": {"done": pool.done, "losses": list(losses)}})
            if stop.asked and pool.done < job.pieces:
                raise Interrupted(f"stopped, saved in {run.folder}; resume to continue")
        return bar.speed, _mean(losses)


def _mean(losses: Iterable[tuple[float, int]]) -> float:
    """The mean loss of pieces, each given as its sum and over how many it is one."""
    return sum(loss for loss, _ in losses) / max(1, sum(over for _, over in losses))


def _restored(run: Run, job: Job) -> tuple[int, list[tuple[float, int]]]:
    """Puts the numbers of a resumed run into the job's tables; returns how many pieces are done and the last losses."""

    def use(parts: dict[str, Any]) -> None:
        if not 0 <= parts["pool"]["done"] <= job.pieces:
            raise DataError(f"state.json: {parts['pool']['done']} pieces are done of {job.pieces}")
        for name, table in job.tables.items():
            table[:] = parts["tables"][name]

    parts: dict[str, Any] | None = run.restore(use)
    return (0, []) if parts is None else (parts["pool"]["done"], parts["pool"]["losses"])
