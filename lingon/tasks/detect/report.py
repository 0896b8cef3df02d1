"""The report of a detector: one page with its scores, by class, and images with what was found, missed and wrong."""

from pathlib import Path
from typing import Any

from lingon.core.counted import counted
from lingon.engine.log import read_metrics
from lingon.metrics.mean_average_precision import RECALLS, average_precisions
from lingon.metrics.metric_table import metric_rows
from lingon.pages.charts import line_chart
from lingon.pages.curves import curves
from lingon.pages.page import render
from lingon.pages.run_facts import run_facts
from lingon.tasks.detect.held_out import HeldOut
from lingon.tasks.detect.page import judged_item, legend
from lingon.tasks.detect.scoring import HALF

WORST, BEST = 8, 4  # images
LINES = 8  # classes in the chart, those with the most boxes


def write_report(path: Path, held_out: HeldOut, run_folder: Path, run: dict[str, Any]) -> Path:
    """Write `report.html` for a detector and the held-out images it was tested on.

    run: what run.json holds (arguments, data, metrics of the test, times).
    """
    data, ordered = run["data"].get("name"), held_out.worst()
    shown = [*ordered[:WORST], *ordered[WORST:][-BEST:][::-1]]
    page = {
        "title": f"Objects in images of {data}",
        "subtitle": f"{run['arguments'].get('model')} trained on {data}; tested on "
        f"{counted(len(held_out.images), 'image')}.",
        "headline": metric_rows(run["test"]),
        "curves": curves({run_folder.name: read_metrics(run_folder)}),
        "precision_recall": _precision_recall(held_out),
        "classes": list(held_out.scores().tables["per_class"].items()),
        "legend": legend(held_out.detector.threshold),
        "items": [judged_item(one) for one in shown],
        "facts": run_facts(run),
    }
    return render("detect_report.html", path, page)


def _precision_recall(held_out: HeldOut) -> str:
    """The chart of precision by recall of the classes with the most boxes, at an overlap of half."""
    labels = held_out.detector.all_labels(held_out.images)
    found = [(label, average_precisions(held_out.truths, held_out.found, i)) for i, label in enumerate(labels)]
    some = sorted((one for one in found if one[1].truths), key=lambda one: -one[1].truths)[:LINES]
    lines = {label: list(zip(RECALLS.tolist(), one.precisions[HALF].tolist(), strict=True)) for label, one in some}
    return line_chart(lines, "precision by recall, overlap .50", "recall", "precision", (0.0, 1.0))
