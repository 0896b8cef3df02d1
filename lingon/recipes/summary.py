"""What a run records about itself, and what it says at its end."""

import importlib.metadata as metadata
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lingon import __version__
from lingon.core.errors import UserError
from lingon.core.terminal import printable
from lingon.engine.checkpoint import steps_in
from lingon.engine.run import Run
from lingon.metrics.class_table import class_lines
from lingon.metrics.names import shown
from lingon.recipes.settings import Settings

PACKAGES = ("torch", "tokenizers", "numpy", "safetensors")


class Clock:
    """Seconds from one lap to the next."""

    def __init__(self):
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = round(now - self._last, 3)
        self._last = now


@contextmanager
def after_training(run: Run, bundle: Path) -> Iterator[None]:
    """What comes after training, test and report, may fail; the error is then told with where the model is.

    Once all is done, the checkpoints go.
    """
    try:
        yield
    except Exception:
        print(f"lingon: the model is trained and kept in {bundle}; what came after failed:", file=sys.stderr)
        raise
    prune(run)


def record_of(settings: Settings, **data: Any) -> dict[str, Any]:
    """What it takes to make the run again: arguments and versions."""
    versions = {"lingon": __version__, "python": platform.python_version()}
    versions |= {name: metadata.version(name) for name in PACKAGES}
    return {"arguments": {**data, **asdict(settings)}, "versions": versions}


def ended(run: Run) -> bool:
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
    if size := run.prune():
        print(f"removed the checkpoints, which only a run that has not ended needs: {size / 1e6:,.1f} MB")


def summary(record: dict[str, Any], folder: Path) -> str:
    """The end of a run, for people."""
    test, seconds = record["test"], record["seconds"]
    scores = ", ".join(f"{name.replace('_', ' ')} {shown(value)}" for name, value in test.items())
    where = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
    classes = "\n".join(class_lines(record["per_class"]))
    scores = f"\nheld-out texts: {scores}\n{classes}"
    return f"{scores}\ntime: {where}\nreport: {folder / 'report.html'}\nbundle: {folder / 'bundle'}"


def extremes(classifier: Any, test: Any, width: int = 160) -> str:
    """The held-out texts that the model is surest about, of each label, and those it is surest and wrong about."""
    from lingon.tasks.classify.report import surest

    found = classifier.predict(test.texts)
    right, wrong = surest(found, test.labels)
    lines = ["", "surest and right:"]
    for label in classifier.labels[:4]:
        lines += [_line(found[i], None, width) for i in [i for i in right if found[i].label == label][:1]]
    lines += ["surest and wrong:"]
    lines += [_line(found[i], test.labels[i], width) for i in wrong[:3]]
    return "\n".join(lines)


def _line(found: Any, truth: str | None, width: int) -> str:
    text = " ".join(found.text.split())
    short = text if len(text) <= width else text[: width - 3] + "..."
    label = f"{found.label} {found.probability:.1%}" + (f", but it is {truth}" if truth else "")
    return f"  {printable(label)}\n    {printable(short)}"


def next_steps(out: str) -> str:
    """Commands to try after a first run."""
    return "\n".join(
        [
            "",
            "try next:",
            f'  lingon predict {out} "I laughed until it hurt." --words',
            f"  lingon train sentiment --model textcnn --out {Path(out).parent / 'textcnn'}",
            "  lingon train classify --data YOUR.csv          # text of your own",
            "  lingon learn list                              # the course",
        ]
    )
