"""The report of a parser: one page with its scores, by relation and by length, and trees that it got wrong."""

from pathlib import Path
from typing import Any

from lingon.core.counted import counted
from lingon.engine.log import read_metrics
from lingon.metrics.metric_table import format_metric
from lingon.metrics.scores import Scores
from lingon.pages.charts import bar_chart
from lingon.pages.curves import curves
from lingon.pages.page import render
from lingon.pages.run_facts import run_facts
from lingon.pages.tree_picture import tree_svg
from lingon.tasks.parse.held_out import HeldOut, Judged, mistakes

SHOWN = 8  # trees
SHORTEST, LONGEST = 4, 24  # words of one, so that there is something to see, and both fit under each other


def write_report(path: Path, held_out: HeldOut, run_folder: Path, run: dict[str, Any]) -> Path:
    """Write `report.html` for a parser and the held-out trees it was tested on.

    run: what run.json holds (arguments, data, metrics of the test, times).
    """
    data = run["data"].get("name")
    page = {
        "title": f"Dependency parsing of {data}",
        "subtitle": f"{run['arguments'].get('from_') or run['arguments'].get('model')} trained on {data}; "
        f"tested on {counted(len(held_out.trees), 'held-out sentence')}.",
        "curves": curves({run_folder.name: read_metrics(run_folder)}),
        "facts": run_facts(run),
    }
    return render("parse_report.html", path, page | sections(held_out, held_out.scores()))


def write_evaluation(path: Path, held_out: HeldOut, scores: Scores, name: str) -> Path:
    """Write the page of an evaluation. scores: those of the held-out trees. name: of the model."""
    subtitle = f"Tested on {counted(len(held_out.trees), 'sentence')}."
    page = {"title": f"{name}: dependency parsing", "subtitle": subtitle}
    return render("parse_report.html", path, page | sections(held_out, scores))


def sections(held_out: HeldOut, scores: Scores) -> dict[str, Any]:
    """Return what both pages show: metrics, charts by length and relation, and trees."""
    lengths = [(name, counts["las"]) for name, counts in scores.tables["per_length"].items()]
    return {
        "headline": [(name.upper(), format_metric(value)) for name, value in scores.items()],
        "lengths": bar_chart(lengths, "LAS by length", "words of the sentence", "LAS"),
        "relations": [(name, of) for name, of in scores.tables["per_relation"].items() if of["support"]],
        "trees": _trees(held_out.surest(False)),
        "right_trees": _trees(held_out.surest(True)),
    }


def _trees(judged: list[Judged]) -> list[dict[str, Any]]:
    return [_shown(one) for one in judged if SHORTEST <= len(one.true) <= LONGEST][:SHOWN]


def _shown(one: Judged) -> dict[str, Any]:
    words, wrong = one.true.words, one.wrong
    return {
        "title": mistakes(one, len(words)) or " ".join(words),
        "sure": f"{one.sureness:.1%}",
        "found": tree_svg(words, one.found.heads, one.found.relations, wrong, f"found: {' '.join(words)}"),
        "true": tree_svg(words, one.true.heads, one.true.relations, wrong, f"true: {' '.join(words)}"),
    }
