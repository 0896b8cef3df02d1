"""The report of a classifier: one page with its scores, its training, what it confuses, and words that decided."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lingon.core.shapes import Tensor
from lingon.data.examples import Examples
from lingon.engine.log import read_metrics
from lingon.metrics.metric_table import format_metric
from lingon.pages.curves import curves
from lingon.pages.page import render
from lingon.pages.run_facts import run_facts
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.classify.report_examples import example_groups
from lingon.tasks.classify.report_sections import sections_of


def write_report(
    path: Path, classifier: Classifier, test: Examples, run_folder: Path, run: dict[str, Any], logits: Tensor
) -> Path:
    """Writes `report.html` for a classifier and the held-out texts it was tested on.

    run: what run.json holds (arguments, data, metrics of the test, times). logits: of the texts [n, C].
    """
    numbers, found = classifier.numbers(test.labels), classifier.scores_of(logits, test)
    page = {
        "title": f"Text classification of {run['data'].get('name')}: {_named(classifier.labels)}",
        "subtitle": f"{run['arguments'].get('model')} trained on {run['data'].get('name')}; "
        f"tested on {len(test):,} held-out texts.",
        "headline": [(name.replace("_", " "), format_metric(value)) for name, value in run["test"].items()],
        "curves": curves({run_folder.name: read_metrics(run_folder)}),
        **sections_of(classifier.targets, logits, numbers, found),
        "examples": example_groups(classifier, test, logits),
        "facts": run_facts(run),
    }
    return render("report.html", path, page)


def _named(labels: Sequence[str]) -> str:
    if not labels:
        return "a number"
    return " or ".join(labels) if len(labels) <= 3 else f"{len(labels)} labels"
