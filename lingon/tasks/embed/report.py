"""The report of an encoder's training: one page with its scores, before and after, and the pairs it judges worst."""

from pathlib import Path
from typing import Any

from lingon.data.text_pairs import PositivePairs, ScoredPairs
from lingon.engine.log import read_metrics
from lingon.metrics.metric_table import format_metric, metric_name, metric_rows
from lingon.pages.charts import bar_chart, scatter_chart
from lingon.pages.curves import curves
from lingon.pages.page import render
from lingon.pages.run_facts import run_facts
from lingon.tasks.embed.held_out import HeldOut
from lingon.tasks.embed.scoring import positive_ranks, unit

POINTS = 2000  # of a scatter chart
RANKS = ((1, "1"), (2, "2"), (3, "3"), (5, "4-5"), (10, "6-10"), (100, "11-100"))  # bars: up to a rank, its name


def write_report(path: Path, held_out: HeldOut, run_folder: Path, run: dict[str, Any]) -> Path:
    """Write the page of a run. run: what run.json holds (arguments, data, metrics before training and of the test)."""
    name, given = run["data"].get("name"), run["arguments"]
    page = {
        "title": f"Vectors of texts, trained on {name}",
        "subtitle": f"{given.get('from_')} by the loss {given.get('loss')}; tested on {len(held_out.examples):,} "
        "held-out examples.",
        "headline": metric_rows(run["test"]),
        "curves": curves({run_folder.name: read_metrics(run_folder)}),
        "sections": [_before_and_after(run), *_widths(run), *_chart(held_out)],
        "examples": _examples(held_out),
        "facts": run_facts(run),
    }
    return render("report.html", path, page)


def _before_and_after(run: dict[str, Any]) -> dict[str, Any]:
    after = run.get("valid") or {}
    rows = [
        (metric_name(name), f"before {format_metric(value)}, after {format_metric(after.get(name))}")
        for name, value in run["before"].items()
    ]
    return {"title": "What training changed", "note": "Metrics of the validation examples.", "rows": rows}


def _widths(run: dict[str, Any]) -> list[dict[str, Any]]:
    table = run.get("widths")
    if not table:
        return []
    line = lambda of: ", ".join(f"{metric_name(name)} {format_metric(value)}" for name, value in of.items())
    note = "Metrics of the test examples when vectors are truncated."
    rows = [(f"{width} numbers", line(of)) for width, of in table.items()]
    return [{"title": "Shorter vectors", "note": note, "rows": rows}]


def _chart(held_out: HeldOut) -> list[dict[str, Any]]:
    """The cosines of scored pairs beside their scores; of others, at which rank their second text is found."""
    examples, vectors = held_out.examples, unit(held_out.vectors)
    place = {text: i for i, text in enumerate(held_out.scoring.texts)}
    if isinstance(examples, ScoredPairs):
        low, high = min(examples.scores), max(examples.scores)
        rows = list(zip(examples.first, examples.second, examples.scores, strict=True))[:POINTS]
        points = [((s - low) / ((high - low) or 1.0), float(vectors[place[a]] @ vectors[place[b]])) for a, b, s in rows]
        chart = scatter_chart(points, "pairs", "score, as a fraction of its range", "cosine")
        return [{"title": "Cosines and scores", "note": "Each point is a pair.", "charts": [chart]}]
    if isinstance(examples, PositivePairs):
        found, bars, low = positive_ranks(examples)(vectors), [], 0
        for high, name in RANKS:
            bars.append((name, float(((found > low) & (found <= high)).mean())))
            low = high
        bars.append((f"> {low}", float((found > low).mean())))
        chart = bar_chart(bars, "ranks of the positives", "rank", "fraction of the pairs")
        note = "For each first text all second texts and negatives of the test are ranked by their cosine."
        return [{"title": "Ranks of the matching texts", "note": note, "charts": [chart]}]
    return []


def _examples(held_out: HeldOut) -> list[dict[str, Any]]:
    shown = [
        {"predicted": one.said, "pieces": [(one.first, 0), (" | ", 0), (one.second, 0)], "scale": 0}
        for one in held_out.odd()
    ]
    note = "Pairs whose cosines are farthest from their targets; some may be errors in the data."
    return [{"title": "Worst pairs", "note": note, "shown": shown}] if shown else []
