"""Two models on the same examples: their scores, how sure the difference is, and where they differ most."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lingon.core.errors import UserError
from lingon.core.terminal_columns import columns_of, padded
from lingon.metrics.metric_table import HIGHER_IS_BETTER, format_metric
from lingon.metrics.resampling import SAMPLES, TRIALS, Comparison, Interval, bootstrap_interval, compare
from lingon.tasks.comparison import Comparable, SystemOutput
from lingon.tasks.registry import TASKS


@dataclass(frozen=True)
class Compared:
    """A metric of two models: the value and the interval of each, and how they differ."""

    values: tuple[float, float]
    intervals: tuple[Interval, Interval]
    comparison: Comparison

    def row(self) -> dict[str, Any]:
        """Return it as JSON writes it."""
        sides = zip(("first", "second"), self.values, self.intervals, strict=True)
        found: dict[str, Any] = {name: {"value": value, **one._asdict()} for name, value, one in sides}
        difference = {"value": self.comparison.difference, **self.comparison.interval._asdict()}
        return {**found, "difference": difference, "p_value": self.comparison.p_value}


@dataclass(frozen=True)
class SystemComparison:
    """What a comparison found. names: of the two models. outputs: what they gave. metrics: the main one first."""

    names: tuple[str, str]
    outputs: tuple[SystemOutput, SystemOutput]
    metrics: Mapping[str, Compared]

    def row(self) -> dict[str, Any]:
        """Return it as JSON writes it."""
        signed = {name: one.signature for name, one in self.outputs[0].statistics.items() if one.signature}
        return {
            "systems": list(self.names),
            "examples": len(self.outputs[0].inputs),
            **{name: found.row() for name, found in self.metrics.items()},
            **({"signatures": signed} if signed else {}),
        }

    def table(self) -> list[tuple[str, ...]]:
        """Return the scores as a table for people, its head first."""
        head = ("", "first", "second", "difference", "95 % of resamplings", "p")
        return [head, *(_cells(name, found) for name, found in self.metrics.items())]

    def lines(self) -> list[str]:
        """Return it for people: the models, the table, how it was made, and the signatures."""
        table = self.table()
        widths = [max(map(columns_of, column)) for column in zip(*table, strict=True)]
        rows = ["  ".join([padded(name, widths[0]), *map(str.rjust, cells, widths[1:])]) for name, *cells in table]
        signed = self.row().get("signatures", {})
        names = [f"{side:7} {name}" for side, name in zip(("first", "second"), self.names, strict=True)]
        return [*names, "", *rows, "", self.note(), *(f"{name}  {one}" for name, one in signed.items())]

    def note(self) -> str:
        """Return how the numbers were made."""
        count = len(self.outputs[0].inputs)
        return (
            f"{count:,} examples; intervals by the paired bootstrap, {SAMPLES:,} samples; "
            f"p by approximate randomization, {TRIALS:,} trials, two-sided"
        )


def compare_systems(first: Any, second: Any, examples: Any, names: tuple[str, str]) -> SystemComparison:
    """Compare two models of one task on examples of the shape that its `evaluate` takes.

    names: what the two are called. Raises UserError for models of two tasks, and for a task that cannot be compared.
    """
    if first.name != second.name:
        kinds = [TASKS[task.name].a_noun if task.name in TASKS else f"a {task.name}" for task in (first, second)]
        raise UserError(f"{names[0]!r} is {kinds[0]} and {names[1]!r} {kinds[1]}; two of one kind can be compared")
    if not isinstance(first, Comparable):
        raise UserError(f"{TASKS[first.name].a_noun} is scored as a whole, not example by example; evaluate one by one")
    outputs = first.system_output(examples), second.system_output(examples)
    shared = [name for name in outputs[0].statistics if name in outputs[1].statistics]
    return SystemComparison(names, outputs, {name: _compared(name, outputs) for name in shared})


def _compared(metric: str, outputs: tuple[SystemOutput, SystemOutput]) -> Compared:
    first, second = (one.statistics[metric] for one in outputs)
    intervals = bootstrap_interval(first), bootstrap_interval(second)
    return Compared((first.value, second.value), intervals, compare(first, second))


def _cells(metric: str, found: Compared) -> tuple[str, ...]:
    arrow = "" if HIGHER_IS_BETTER[metric] else " (lower is better)"
    low, high = found.comparison.interval
    return (
        metric.replace("_", " ") + arrow,
        *(format_metric(value) for value in found.values),
        format_metric(found.comparison.difference, "+.4f"),
        f"{low:+.4f} to {high:+.4f}",
        f"{found.comparison.p_value:.4f}",
    )
