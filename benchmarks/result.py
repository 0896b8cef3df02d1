"""A comparison's result: rows for the table and everything it takes to judge and repeat them, as one JSON file."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.machine import OURS, THREADS, machine, today, versions
from benchmarks.measure import Pairs, Spread
from lingon.core.files import write_json

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Peer:
    """Whom we are compared with, and the figure it reached."""

    name: str
    figure: Spread


@dataclass(frozen=True)
class Row:
    """One line of the table.

    what: the work. unit: of the figures. ours: our figure. peers: theirs. ratio: how many times as fast as the first
    peer, pair by pair. bar: what was to be reached, in words. reached: whether it was; None where there was no bar.
    """

    what: str
    unit: str
    ours: Spread
    peers: list[Peer] = field(default_factory=list)
    ratio: Spread | None = None
    bar: str | None = None
    reached: bool | None = None


@dataclass(frozen=True)
class Result:
    """The rows of one comparison, and what they rest on.

    details: figures of every turn, checks of equality, settings, what the timed part holds.
    peer_versions: as the peers' environments report them.
    """

    name: str
    rows: list[Row]
    details: dict[str, Any]
    peer_versions: dict[str, str] = field(default_factory=dict)


def speed(what: str, unit: str, amount: float, pairs: Pairs, peer: str, bar: float | None = None) -> Row:
    """A row of `amount` pieces of work, done in turn; the bar is the least median ratio."""
    ratio = pairs.ratio()
    return Row(
        what,
        unit,
        Spread.of([amount / seconds for seconds in pairs.ours]),
        [Peer(peer, Spread.of([amount / seconds for seconds in pairs.theirs]))],
        ratio,
        None if bar is None else f"≥ {bar:g}x",
        None if bar is None else ratio.median >= bar,
    )


def wall_time(what: str, pairs: Pairs, peer: str, bar: float | None = None) -> Row:
    """A row of seconds for one whole piece of work, done in turn; the bar is the largest share of their time."""
    ratio = pairs.ratio()
    return Row(
        what,
        "s",
        Spread.of(pairs.ours),
        [Peer(peer, Spread.of(pairs.theirs))],
        ratio,
        None if bar is None else f"≤ {bar:g}x their time",
        None if bar is None else ratio.median >= 1 / bar,
    )


def at_most(what: str, unit: str, ours: Sequence[float], most: float) -> Row:
    """A row of ours alone, lower is better; the bar is the largest median."""
    spread = Spread.of(ours)
    return Row(what, unit, spread, [], None, f"≤ {most:g} {unit}", spread.median <= most)


def in_minutes(what: str, seconds: float, most: float) -> list[Row]:
    """Rows of how long a run took: none where it had one core, for others may have worked beside it."""
    return [at_most(what, "min", [seconds / 60], most)] if THREADS > 1 else []


def score(what: str, ours: Sequence[float], peers: dict[str, Sequence[float]], bar: float | str | None = None) -> Row:
    """A row of scores, higher is better. bar: the least median, or the name of the peer that we must not be below."""
    figures = {name: Spread.of(values) for name, values in peers.items()}
    least = figures[bar].median if isinstance(bar, str) else bar
    said = f"not below {bar}" if isinstance(bar, str) else None if bar is None else f"≥ {bar:g}"
    reached = None if least is None else median(ours) >= least
    return Row(what, "score", Spread.of(ours), [Peer(*pair) for pair in figures.items()], None, said, reached)


def write(result: Result, folder: Path = RESULTS, quick: bool = False) -> Path:
    """Writes a result as soon as it is there; returns the file."""
    path = folder / f"{result.name}.json"
    record = asdict(result) | {
        "quick": quick,
        "date": today(),
        "machine": machine(),
        "threads": {"ours": THREADS, "theirs": THREADS},
        "versions": versions("lingon", *OURS),
        "command": f"python -m benchmarks {result.name}" + (" --quick" if quick else ""),
    }
    write_json(path, record)
    return path
