"""The report of a run: one HTML page with curves, confusion, calibration, and the words that decided."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lingon.core.shapes import Tensor
from lingon.data.examples import Examples
from lingon.engine.log import read_metrics
from lingon.metrics.calibration import expected_calibration_error, reliability
from lingon.metrics.confusion import confusion_matrix
from lingon.metrics.metric_table import format_metric
from lingon.metrics.per_class import ClassScores, per_class
from lingon.pages.charts import bar_chart
from lingon.pages.curves import curves
from lingon.pages.page import render
from lingon.tasks.classify.classifier import Classification, Classifier
from lingon.tasks.classify.saliency import attended_words, deciding_words

MOST_LABELS = 100  # rows of the confusion table, which is scrolled
FEW_LABELS = 8  # with more, the worst pairs are listed, and labels stand in the order of their texts
WORST_PAIRS = 10
SHOWN_CHARACTERS = 1200  # of a text in the report


def write_report(
    path: Path, classifier: Classifier, test: Examples, run_folder: Path, run: dict[str, Any], logits: Tensor
) -> Path:
    """Writes `report.html` for a classifier and the held-out texts it was tested on.

    run: what run.json holds (arguments, data, metrics of the test, times). logits: of the texts [n, C].
    """
    targets = classifier.numbers(test.labels)
    probabilities, matrix = logits.softmax(-1), confusion_matrix(logits, targets)
    page = {
        "title": f"Text classification of {run['data'].get('name')}: {_named(classifier.labels)}",
        "subtitle": f"{run['arguments'].get('model')} trained on {run['data'].get('name')}; "
        f"tested on {len(test):,} held-out texts.",
        "headline": [(name.replace("_", " "), format_metric(value)) for name, value in run["test"].items()],
        "curves": curves({run_folder.name: read_metrics(run_folder)}),
        **confusion(matrix.tolist(), classifier.labels),
        "classes": by_class(matrix, classifier.labels),
        "calibration_error": f"{expected_calibration_error(probabilities, targets):.4f}",
        "calibration": [calibration_chart(probabilities, targets)],
        "examples": example_groups(classifier, test, probabilities, targets),
        "facts": facts(run),
    }
    return render("report.html", path, page)


def confusion(matrix: list[list[int]], labels: Sequence[str]) -> dict[str, Any]:
    """Return the confusion table of the labels with the most texts, those first, and the worst pairs of labels."""
    order = sorted(range(len(labels)), key=lambda i: -sum(matrix[i]))[:MOST_LABELS]
    order = order if len(labels) > FEW_LABELS else sorted(order)
    rows = [(labels[i], [(matrix[i][j], matrix[i][j] / max(1, sum(matrix[i]))) for j in order]) for i in order]
    note = f"The {MOST_LABELS} most frequent of {len(labels)} labels." if len(labels) > MOST_LABELS else ""
    pairs = worst_pairs(matrix, labels) if len(labels) > FEW_LABELS else []
    return {"labels": [labels[i] for i in order], "confusion": rows, "confusion_note": note, "worst_pairs": pairs}


def worst_pairs(matrix: list[list[int]], labels: Sequence[str]) -> list[tuple[str, str, int, int]]:
    """Return the pairs of labels that are confused most: the true one, the predicted one, how often, of how many."""
    found = [
        (count, labels[i], labels[j], sum(row))
        for i, row in enumerate(matrix)
        for j, count in enumerate(row)
        if i != j and count
    ]
    found.sort(key=lambda pair: (-pair[0], pair[3]))
    return [(true, predicted, count, texts) for count, true, predicted, texts in found[:WORST_PAIRS]]


def _named(labels: Sequence[str]) -> str:
    return " or ".join(labels) if len(labels) <= 3 else f"{len(labels)} labels"


def by_class(matrix, labels: Sequence[str]) -> list[tuple[str, ClassScores]]:
    """Precision, recall, F1 and support of the labels with the most texts, in the order of the labels."""
    rows = list(zip(labels, per_class(matrix), strict=True))
    most = sorted(rows, key=lambda row: -row[1].support)[:MOST_LABELS]
    return [row for row in rows if row in most]


def calibration_chart(probabilities, targets) -> str:
    """Accuracy in ten bins of confidence, with the diagonal of a perfectly calibrated model."""
    bins = reliability(probabilities, targets)
    bars = [(f"{low:.0%}", share if count else 0.0) for low, _, count, _, share in bins]
    diagonal = [(i + 0.5, (low + high) / 2) for i, (low, high, *_) in enumerate(bins)]
    return bar_chart(bars, "reliability diagram", "confidence, from", "accuracy", diagonal)


def example_groups(classifier: Classifier, test: Examples, probabilities, targets) -> list[dict[str, Any]]:
    """Return the most confident correct predictions, the most confident errors and the least confident ones."""
    confidence, predicted = probabilities.max(-1)
    order = confidence.argsort(descending=True, stable=True).tolist()
    right = [i for i in order if predicted[i] == targets[i]]
    wrong = [i for i in order if predicted[i] != targets[i]]
    one_each = [next((i for i in right if predicted[i] == c), None) for c in range(min(len(classifier.labels), 4))]
    note = "Green words speak for the predicted label, red ones against it: each word's weight is how far the "
    note += "probability falls when the word is left out."
    groups = [
        ("Most confident, correct", [i for i in one_each if i is not None]),
        ("Most confident, wrong", wrong[:4]),
        ("Least confident", order[::-1][:2]),
    ]
    shown = [
        {
            "title": title,
            "note": note,
            "shown": [_example(classifier, test[i : i + 1], probabilities[i]) for i in chosen],
        }
        for title, chosen in groups
        if chosen
    ]
    if hasattr(classifier.model, "attention"):
        items = [_attended(classifier, test[i : i + 1], probabilities[i]) for i in right[:3]]
        shown.append(
            {"title": "Attention weights", "note": "The weight that attention gives each word.", "shown": items}
        )
    return shown


def _example(classifier: Classifier, one: Examples, row) -> dict[str, Any]:
    text, label = one.texts[0][:SHOWN_CHARACTERS], classifier.labels[int(row.argmax())]
    return _item(text, label, float(row.max()), one.labels[0], deciding_words(classifier, text, label))


def _attended(classifier: Classifier, one: Examples, row) -> dict[str, Any]:
    text, label = one.texts[0][:SHOWN_CHARACTERS], classifier.labels[int(row.argmax())]
    return _item(text, label, float(row.max()), one.labels[0], attended_words(classifier, text))


def _item(text: str, predicted: str, probability: float, label: str, words: list) -> dict[str, Any]:
    pieces, end = [], 0
    for word in words:
        pieces += [(text[end : word.start], 0), (text[word.start : word.end], word.weight)]
        end = word.end
    pieces.append((text[end:], 0))
    strongest = max((abs(w.weight) for w in words), default=0) or 1
    scale = 0.75 / strongest
    return {"predicted": predicted, "probability": probability, "label": label, "pieces": pieces, "scale": scale}


def facts(run: dict[str, Any]) -> list[tuple[str, str]]:
    """What a reader needs to make the run again."""
    rows = [(f"argument {name}", str(value)) for name, value in run["arguments"].items() if value is not None]
    rows += [(f"data {name}", str(value)) for name, value in run["data"].items()]
    rows += [(f"version of {name}", str(value)) for name, value in run.get("versions", {}).items()]
    return rows + [(f"seconds to {name}", f"{value:.1f}") for name, value in run.get("seconds", {}).items()]


def surest(predictions: Sequence[Classification], targets: Sequence[str]) -> tuple[list[int], list[int]]:
    """Positions of the right and of the wrong predictions, surest first."""
    order = sorted(range(len(targets)), key=lambda i: -predictions[i].probability)
    right = [i for i in order if predictions[i].label == targets[i]]
    return right, [i for i in order if predictions[i].label != targets[i]]
