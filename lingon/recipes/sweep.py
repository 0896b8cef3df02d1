"""A hyperparameter sweep: the same recipe in a loop, for every combination of the values."""

import inspect
import itertools
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from lingon.core.errors import NotFinite, UserError, unknown
from lingon.core.files import read_json, write_json
from lingon.core.terminal import printable
from lingon.core.terminal_columns import columns_of, padded
from lingon.metrics.metric_table import HIGHER_IS_BETTER, format_metric
from lingon.recipes.command_flags import call


def vary(text: str, parameters: list[inspect.Parameter]) -> tuple[str, list[Any]]:
    """Return a name and values of the right type from text such as `lr=1e-3,3e-4`."""
    name, equals, values = text.partition("=")
    name = name.strip().lstrip("-").replace("-", "_")
    known = {p.name: p.annotation for p in parameters if p.name not in ("sweep", "out", "resume", "overwrite")}
    if not equals or not values:
        raise UserError(f"--sweep {text!r} is not of the form NAME=VALUE,VALUE, such as lr=1e-3,3e-4")
    if name not in known:
        raise unknown("setting to sweep", name, known)
    return name, [_value(v.strip(), known[name], name) for v in values.split(",")]


def sweep(recipe: Callable, flags: dict[str, Any], varied: list[tuple[str, list[Any]]]) -> list[dict[str, Any]]:
    """Run every combination in a folder of its own, skips those that are done, resumes those that are not.

    A run whose numbers overflow does not end the others. Prints a table, best on the validation texts first, and
    writes it to sweep.json.
    """
    score = str(flags.get("metric") or getattr(recipe, "metric", "loss"))
    folder = Path(flags["out"])
    rows: list[dict[str, Any]] = []
    failed: list[Exception] = []
    names = [name for name, _ in varied]
    for values in itertools.product(*(v for _, v in varied)):
        chosen = dict(zip(names, values, strict=True))
        out = folder / ",".join(f"{n}={v}" for n, v in chosen.items()).replace("/", "_")
        try:
            if not finished(out) or flags["overwrite"]:
                call(recipe, {**flags, **chosen, "out": str(out), "resume": not flags["overwrite"] and out.exists()})
        except NotFinite as error:
            failed.append(error)
            print(f"lingon: {out}: {error}", file=sys.stderr)
        run = read_json(out / "run.json")
        if not rows and score not in (
            run.get("test") or {score: 0}
        ):  # of other labels, the first metric is the main one
            score = next(iter(run["test"]))
        found = {f"{part} {score}": (run.get(part) or {}).get(score) for part in ("valid", "test")}
        rows.append({**chosen, **found, "out": str(out)})
    rows.sort(key=lambda row: _rank(row[f"valid {score}"], HIGHER_IS_BETTER[score]))
    write_json(folder / "sweep.json", rows)
    print(sweep_table(rows, score))
    if len(failed) == len(rows):
        raise failed[-1]
    return rows


def _rank(value: float | None, higher_is_better: bool) -> float:
    """Return the sort key of a score, best first; what is not a number comes last."""
    if value is None:
        return math.inf
    return -value if higher_is_better else value


def sweep_table(rows: list[dict[str, Any]], score: str) -> str:
    """Return the runs of a sweep as lines of text. Their folders come last and whole, however narrow the terminal."""
    lines = [[printable(name) for name in rows[0]]]
    lines += [[format_metric(v) if k.endswith(score) else printable(v) for k, v in row.items()] for row in rows]
    widths = [max(map(columns_of, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(padded, line, widths)).rstrip() for line in lines)


def finished(out: Path) -> bool:
    """Return whether a run has come to its end and was tested."""
    return (out / "run.json").is_file() and "test" in read_json(out / "run.json")


def _value(text: str, hint: Any, name: str) -> Any:
    hint = getattr(hint, "__origin__", hint)  # what Annotated annotates
    kinds = set(get_args(hint)) or {hint}
    try:
        if bool in kinds:
            return {"true": True, "false": False, "1": True, "0": False}[text.lower()]
        for kind in (int, float):
            if kind in kinds:
                return kind(text)
    except (ValueError, KeyError):
        raise UserError(f"--sweep {name}: {text!r} is not a value for it") from None
    return text
