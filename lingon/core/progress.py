"""Progress of long work: a bar with speed and remaining time on a terminal, occasional lines elsewhere."""

import contextlib
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from lingon.core.terminal import printable

REDRAW = 0.1  # seconds between two updates of a bar
LINE = 10.0  # seconds between two lines without a terminal


class Bar:
    """Counts completed work and shows it regularly. Created by `track`."""

    def __init__(self, total: int, unit: str, done: int, every: float):
        self.total, self.unit, self.done, self.values = total, unit, done, ""
        self.show: Callable[[Bar], None] = lambda bar: None
        self.say: Callable[[str], None] = lambda text: None
        self._first, self._started, self._every = done, time.monotonic(), every
        self._next = self._started + every

    def advance(self, n: int = 1, **shown: float) -> None:
        """Count `n` more, and show these numbers beside the bar, such as `loss=0.31`."""
        self.done += n
        now = time.monotonic()
        if now >= self._next:  # Drawing costs far more than counting.
            self._next = now + self._every
            self.values = ", ".join(f"{name} {value:.4g}" for name, value in shown.items())
            self.show(self)

    @property
    def speed(self) -> float:
        """Return the units per second since the start."""
        return (self.done - self._first) / max(1e-9, time.monotonic() - self._started)

    def line(self) -> str:
        """Return count, speed, remaining time if the total is known, and the numbers of the last call, as text."""
        speed = f"{self.speed:,.1f} {self.unit}/s"
        if not self.total:
            return ", ".join(filter(None, [f"{self.done:,}", speed, self.values]))
        left = clock((self.total - self.done) / self.speed) if self.speed > 0 else "?"
        return ", ".join(filter(None, [f"{self.done:,}/{self.total:,}", speed, f"{left} left", self.values]))


_quiet: ContextVar[bool] = ContextVar("quiet", default=False)


@contextlib.contextmanager
def no_progress(wanted: bool = True) -> Iterator[None]:
    """Show no progress inside the block, in this thread."""
    token = _quiet.set(wanted or _quiet.get())
    try:
        yield
    finally:
        _quiet.reset(token)


def is_quiet() -> bool:
    """Return whether no progress is shown here: LINGON_QUIET=1, or inside `no_progress()`."""
    return os.environ.get("LINGON_QUIET") == "1" or _quiet.get()


@contextlib.contextmanager
def track(total: int, what: str, unit: str = "it", done: int = 0) -> Iterator[Bar]:
    """Show the progress of work on stderr: `bar.advance(n, loss=...)`, and `bar.say(text)` for a separate line.

    total: units of work, 0 if unknown; done: units that were completed before. LINGON_QUIET=1 or `no_progress()` show
    nothing.
    """
    if is_quiet():
        yield Bar(total, unit, done, math.inf)
    elif sys.stderr.isatty():
        with _on_terminal(Bar(total, unit, done, REDRAW), what) as bar:
            yield bar
    else:
        bar = Bar(total, unit, done, LINE)
        bar.say = lambda text: print(text, file=sys.stderr, flush=True)
        bar.show = lambda bar: bar.say(f"{what}: {bar.line()}")
        yield bar


@contextlib.contextmanager
def _on_terminal(bar: Bar, what: str) -> Iterator[Bar]:
    # Imported here, because the command line imports this file before it knows which command to run.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), TextColumn("{task.fields[line]}")
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False, transient=True) as picture:
        task = picture.add_task(printable(what), total=bar.total or None, completed=bar.done, line="")

        def show(bar: Bar) -> None:
            picture.update(task, completed=bar.done, line=bar.line(), refresh=True)

        def say(text: str) -> None:
            picture.console.print(printable(text, lines=True), markup=False, highlight=False, soft_wrap=True)

        bar.show, bar.say = show, say
        yield bar


def clock(seconds: float) -> str:
    """Return a time as hours, minutes and seconds.

    >>> clock(75), clock(3725)
    ('1:15', '1:02:05')
    """
    if not math.isfinite(seconds):
        return "?"
    minutes, seconds = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
