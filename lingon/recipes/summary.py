"""What a run records about itself, and what it says at its end."""

import importlib.metadata as metadata
import platform
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lingon import __version__
from lingon.core.errors import UserError
from lingon.engine.checkpoint import steps_in
from lingon.engine.run import Run
from lingon.metrics.metric_table import format_metric
from lingon.metrics.scores import Scores
from lingon.tasks.registry import row_of

if TYPE_CHECKING:  # the recipe of word vectors, which needs no torch, has summaries too
    from lingon.tasks.training import Training

REFIT = "refit"  # the folder of the training on training and validation data, in that of the run
PACKAGES = ("torch", "tokenizers", "numpy", "safetensors")


class Clock:
    """Seconds from one lap to the next."""

    def __init__(self):
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str, at_least: float = 0.0) -> None:
        """End a lap. at_least: its seconds, where a part of it was in a process before this one."""
        now = time.perf_counter()
        self.laps[name] = round(max(now - self._last, at_least), 3)
        self._last = now


@contextmanager
def after_training(run: Run, bundle: Path) -> Iterator[None]:
    """What comes after training, test and report, may fail; the error then says where the model is.

    Once all is done, the checkpoints go.
    """
    try:
        yield
    except Exception:
        print(f"lingon: the trained model is saved in {bundle}; what came after failed:", file=sys.stderr)
        raise
    prune(run)


def record_of(settings: Any, **data: Any) -> dict[str, Any]:
    """What it takes to make the run again: arguments and versions."""
    versions = {"lingon": __version__, "python": platform.python_version()}
    versions |= {name: metadata.version(name) for name in PACKAGES}
    return {"arguments": {**data, **asdict(settings)}, "versions": versions}


def is_finished(run: Run) -> bool:
    """Whether a run that is to be resumed has come to its end, where it has no checkpoints any more; says so.

    Raises UserError when its model is not there any more either.
    """
    bundle = run.folder / "bundle"
    if not run.resumed or "test" not in run.facts or steps_in(run.checkpoints):
        return False
    if not bundle.is_dir():
        raise UserError(f"{run.folder}: this run has ended, and its bundle is gone; train it again with --overwrite")
    print(f"trained already: {bundle}")
    prune(run)
    return True


def prune(run: Run) -> None:
    """Removes the checkpoints of a run that has ended, and says so."""
    if size := run.prune() + remove_refit(run.folder):
        print(f"removed the checkpoints, which are needed only to resume an unfinished run: {size / 1e6:,.1f} MB")


def remove_refit(folder: Path) -> int:
    """Remove what a refit kept to be resumed, in the folder of its run; return its bytes."""
    folder = folder / REFIT
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    shutil.rmtree(folder, ignore_errors=True)
    return size


def write_report(training: "Training", folder: Path, record: Mapping[str, Any]) -> Path:
    """Write the report of a run, or its curves where the task has no report; return the page."""
    if training.report is not None:
        return training.report(folder, record)
    from lingon.export.training_curves import plot_runs

    plot_runs([folder], folder / "curves.html", title=page_title(training.task.name, record))
    return folder / "curves.html"


def page_title(task: str, record: Mapping[str, Any]) -> str:
    """Return the heading of a run's page: its task, its model and its data.

    >>> page_title("language-model", {"arguments": {"model": "gpt", "data": ["austen", "texts/mine.txt"]}})
    'language-model: gpt trained on austen, mine.txt'
    """
    given = record["arguments"].get("data") or "data of its own"
    names = [given] if isinstance(given, str) else given
    shown = ", ".join([*(Path(name).name for name in names[:3]), *(["..."] if len(names) > 3 else [])])
    return f"{task}: {record['arguments'].get('model')} trained on {shown}"


def summary(record: Mapping[str, Any], found: Scores, training: "Training", folder: Path, page: Path) -> str:
    """Return the end of a run, for people: scores, times, what the trained task says, and what to try next."""
    scores = ", ".join(f"{name.replace('_', ' ')} {format_metric(value)}" for name, value in found.items())
    where = ", ".join(f"{name} {value:.1f} s" for name, value in record["seconds"].items())
    lines = [
        f"\nheld-out {row_of(training.task.name).inputs}: {scores}",
        *found.details,
        f"time: {where}",
        f"{page.stem}: {page}",
    ]
    sample = training.sample().rstrip()
    lines += [f"bundle: {folder / 'bundle'}", *([f"\n{sample}"] if sample else [])]
    usage = getattr(training.task, "usage", None) or row_of(training.task.name).usage
    return "\n".join([*lines, f"\ntry next: lingon {usage.format(shlex.quote(str(folder)))}"])
