"""The metrics of a detector, and the score from which on a box is worth showing."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from lingon.core.shapes import Bool, Float
from lingon.core.terminal_columns import columns_of, padded
from lingon.data.boxed_images import BoxedImage
from lingon.metrics.mean_average_precision import (
    AREAS,
    Found,
    Truth,
    average_precisions,
    match,
    mean_average_precision,
    of_class,
)
from lingon.metrics.scores import Scores

HALF = 0  # of `lingon.metrics.mean_average_precision.IOUS`: .50


def truths_of(images: Sequence[BoxedImage], labels: Sequence[str]) -> list[Truth]:
    """Return what is in images, labels by number. One that is not among them has a number too many: it is missed."""
    number = {label: i for i, label in enumerate([*labels, *unknown_labels(images, labels)])}
    return [
        Truth(one.boxes, np.array([number[label] for label in one.labels], np.int64), one.crowd, one.ignored)
        for one in images
    ]


def unknown_labels(images: Sequence[BoxedImage], labels: Sequence[str]) -> list[str]:
    """Return the labels of boxes that are not among these, alphabetically."""
    return sorted({label for image in images for label in image.labels} - set(labels))


def scores_of(truths: Sequence[Truth], found: Sequence[Found], labels: Sequence[str]) -> Scores:
    """Return the metrics of COCO, the table of classes, and lines of it for people.

    A size that no box has gets no metric.
    """
    values = mean_average_precision(truths, found, len(labels), tuple(AREAS))
    values = {name: value for name, value in values.items() if not math.isnan(value)} or values
    table = {}
    for number, label in enumerate(labels):
        one = average_precisions(truths, found, number)
        if one.truths:
            halves = {"map50": float(one.precisions[HALF].mean()), "recall50": float(one.recalls[HALF])}
            table[label] = {**halves, "map": float(one.precisions.mean()), "support": one.truths}
    return Scores(values, "map", {"per_class": table}, _lines(table))


def _lines(table: Mapping[str, Mapping[str, float]]) -> list[str]:
    width = max([10, *(columns_of(label) for label in table)])
    lines = [f"  {'class':{width}}   map50     map  {'boxes':>7}"]
    for label, of in table.items():
        lines.append(f"  {padded(label, width)}  {of['map50']:6.4f}  {of['map']:6.4f}  {int(of['support']):7,}")
    return lines


def judged_boxes(
    truth: Truth, found: Found
) -> tuple[Bool[np.ndarray, " M"], Bool[np.ndarray, " M"], Bool[np.ndarray, " N"]]:
    """Return which found boxes are right and which count, and which true ones were found, by an overlap of half."""
    right, counts = np.zeros(len(found.labels), bool), np.ones(len(found.labels), bool)
    seen = np.zeros(len(truth.labels), bool)
    for label in {*truth.labels.tolist(), *found.labels.tolist()}:
        theirs, mine = np.flatnonzero(truth.labels == label), of_class(found, label)
        matches = match(Truth(*(part[theirs] for part in truth)), Found(*(part[mine] for part in found)))
        right[mine], counts[mine] = matches.matched[HALF], ~matches.ignored[HALF]
        partners = matches.partners[HALF]
        seen[theirs[partners[partners >= 0]]] = True
    return right, counts, seen


def best_threshold(truths: Sequence[Truth], found: Sequence[Found]) -> float:
    """Return the score from which on boxes give the best F1 of all classes, at an overlap of half."""
    scores, right, total = [], [], 0
    for truth, one in zip(truths, found, strict=True):
        hits, counts, _ = judged_boxes(truth, one)
        scores.append(one.scores[counts])
        right.append(hits[counts])
        total += int((~(truth.crowd | truth.ignored)).sum())
    return threshold_of(np.concatenate(scores), np.concatenate(right), total) if scores else 0.5


def threshold_of(scores: Float[np.ndarray, " M"], right: Bool[np.ndarray, " M"], total: int) -> float:
    """Return the score of the last box, the highest first, with which F1 is the highest; 0.5 where nothing is right.

    >>> threshold_of(np.array([0.9, 0.2, 0.6]), np.array([True, False, True]), 2)
    0.6
    """
    order = np.argsort(-scores, kind="stable")
    hits = right[order].cumsum()
    if not total or not right.any():
        return 0.5
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + total)
    return float(round(float(scores[order][f1.argmax()]), 4))
