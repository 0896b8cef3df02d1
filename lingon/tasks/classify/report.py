"""The report of a classifier: one page with its scores, its training, what it confuses, and most influential words."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lingon.core.counted import counted
from lingon.core.shapes import Tensor
from lingon.data.examples import Examples
from lingon.engine.log import read_metrics
from lingon.metrics.metric_table import metric_rows
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
        f"tested on {counted(len(test), 'held-out text')}.",
        "headline": metric_rows(run["test"]),
        "curves": curves({run_folder.name: read_metrics(run_folder)}),
        **sections_of(classifier.targets, logits, numbers, found),
        "examples": example_groups(classifier, test, logits),
        "facts": run_facts(run),
    }
    return render("report.html", path, page)


def write_evaluation(
    path: Path,
    classifier: Classifier,
    texts: Examples,
    logits: Tensor,
    name: str,
    sections: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """Write the page of a classifier on texts that need not be those of its run.

    logits: of the texts [n, C]. name: of the model. sections: what else the page shows, each with a title, a note and
    charts or rows.
    """
    numbers, found = classifier.numbers(texts.labels), classifier.scores_of(logits, texts)
    own = sections_of(classifier.targets, logits, numbers, found)
    page = {
        "title": f"Evaluation of {name}: {_named(classifier.labels)}",
        "subtitle": f"{counted(len(texts), 'text')}.",
        "headline": metric_rows(found),
        **own,
        "sections": [*own.get("sections", ()), *sections],
        "examples": example_groups(classifier, texts, logits),
    }
    return render("report.html", path, page)


def _named(labels: Sequence[str]) -> str:
    if not labels:
        return "a number"
    return " or ".join(labels) if len(labels) <= 3 else counted(len(labels), "label")
