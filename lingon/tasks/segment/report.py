"""The report of a segmenter: one page with its scores, each class, what is confused, and its best and worst images."""

from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.counted import counted
from lingon.data.files.masks import colours_of
from lingon.engine.log import read_metrics
from lingon.metrics.metric_table import format_metric, metric_rows
from lingon.pages.curves import curves
from lingon.pages.images import data_uri
from lingon.pages.page import render
from lingon.pages.run_facts import run_facts
from lingon.tasks.segment.held_out import HeldOut, Judged
from lingon.tasks.segment.page import legend

SHOWN = 8  # images, of the best and of the worst


def write_report(path: Path, held_out: HeldOut, run_folder: Path, run: dict[str, Any]) -> Path:
    """Write `report.html` for a segmenter and the held-out images it was tested on.

    run: what run.json holds (arguments, data, metrics of the test, times).
    """
    data = run["data"].get("name")
    page = {
        "title": f"Segmentation of {data}",
        "subtitle": f"{run['arguments'].get('model')} trained on {data}"
        + (f", constructed {run['data']['constructed']}" if "constructed" in run["data"] else "")
        + f"; tested on {counted(len(held_out.images), 'held-out image')}.",
        "curves": curves({run_folder.name: read_metrics(run_folder)}),
        "facts": run_facts(run),
    }
    return render("segment_report.html", path, page | _found(held_out))


def write_evaluation(path: Path, held_out: HeldOut, name: str) -> Path:
    """Write the page of an evaluation. name: of the model."""
    page = {
        "title": name,
        "subtitle": f"evaluated on {counted(len(held_out.images), 'image')}",
        "curves": [],
        "facts": [],
    }
    return render("segment_report.html", path, page | _found(held_out))


def _found(held_out: HeldOut) -> dict[str, Any]:
    scores, judged = held_out.scores(), [one for one in held_out.judged if not np.isnan(one.miou)]
    worst = judged[: min(SHOWN, -(-len(judged) // 2))]
    best = judged[len(worst) :][-SHOWN:][::-1]
    numbers = {n for one in [*best, *worst] for mask in (one.true, one.found) for n in np.unique(mask).tolist()}
    rows = scores.tables["per_class"].items()
    return {
        "headline": metric_rows(scores),
        "classes": [(name, format_metric(of["iou"]), format_metric(of["dice"]), of["support"]) for name, of in rows],
        "confused": held_out.confused(),
        "legend": legend(held_out.classes, numbers),
        "groups": [
            ("Worst images", [_shown(one, held_out) for one in worst]),
            ("Best images", [_shown(one, held_out) for one in best]),
        ],
    }


def _shown(one: Judged, held_out: HeldOut) -> dict[str, Any]:
    count = len(held_out.classes)
    return {
        "title": one.name,
        "miou": format_metric(one.miou, ".3f"),
        "image": data_uri(one.pixels),
        "true": data_uri(colours_of(one.true, count)),
        "found": data_uri(colours_of(one.found, count)),
    }
