"""Mean average precision of object detectors as in COCO (Lin et al. 2014): ten IoU thresholds, three object sizes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lingon.core.shapes import Bool, Float, Int
from lingon.data.boxes import box_areas, box_intersections

__all__ = ["AREAS", "IOUS", "Found", "Truth", "average_precisions", "match", "mean_average_precision", "of_class"]

IOUS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
MOST = 100  # maximum predicted boxes of a class per image, those with the highest scores
AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}


class Truth(NamedTuple):
    """The true objects of an image: boxes, class numbers, and two flags.

    crowd: a box around many objects, which any number of predicted boxes may match. ignored: need not be found. Neither
    counts, nor does a predicted box that matches one.
    """

    boxes: Float[np.ndarray, "N 4"]
    labels: Int[np.ndarray, " N"]
    crowd: Bool[np.ndarray, " N"]
    ignored: Bool[np.ndarray, " N"]


class Found(NamedTuple):
    """The predicted objects of an image: boxes, scores, and class numbers."""

    boxes: Float[np.ndarray, "M 4"]
    scores: Float[np.ndarray, " M"]
    labels: Int[np.ndarray, " M"]


class ClassResult(NamedTuple):
    """Precision at 101 recalls and the final recall, at each IoU threshold. truths: the number of boxes to find."""

    precisions: Float[np.ndarray, "T 101"]
    recalls: Float[np.ndarray, " T"]
    truths: int


def mean_average_precision(
    truths: Sequence[Truth], found: Sequence[Found], classes: int, areas: Sequence[str] = tuple(AREAS)
) -> dict[str, float]:
    """Return the metrics of COCO by name: average precision and recall, averaged over the classes that occur.

    map: mean over the IoU thresholds .50, .55, ..., .95. map50, map75: at one of them. map_small (less than 32 x 32
    pixels), map_medium, map_large (more than 96 x 96): by size. recall: with 100 boxes per image, mean over the
    thresholds. NaN if there is no box to find. areas: the sizes to compute; must contain "all".
    """
    values = {}
    for name in areas:
        per_class = [average_precisions(truths, found, label, AREAS[name]) for label in range(classes)]
        some = [one for one in per_class if one.truths]
        curves = np.stack([one.precisions for one in some]) if some else np.full((1, len(IOUS), 1), np.nan)
        if name != "all":
            values[f"map_{name}"] = float(curves.mean())
            continue
        values |= {
            "map": float(curves.mean()),
            "map50": float(curves[:, 0].mean()),
            "map75": float(curves[:, 5].mean()),
        }
        values["recall"] = float(np.mean([one.recalls for one in some])) if some else np.nan
    return values


def average_precisions(
    truths: Sequence[Truth],
    found: Sequence[Found],
    label: int,
    area: tuple[float, float] = AREAS["all"],
    most: int = MOST,
) -> ClassResult:
    """Return the precision-recall curve of one class. area: minimum and maximum pixels of the boxes that count.

    The mean of the precisions at an IoU threshold is the average precision there.
    """
    pairs = zip(truths, found, strict=True)
    matches = [match(_truth_of(one, label), _found_of(other, label, most), area) for one, other in pairs]
    precisions, recalls = np.zeros((len(IOUS), len(RECALLS))), np.zeros(len(IOUS))
    if not (count := sum(one.truths for one in matches)):
        return ClassResult(precisions, recalls, 0)
    order = np.argsort(-np.concatenate([one.scores for one in matches]), kind="stable")
    right = np.concatenate([one.matched for one in matches], 1)[:, order]
    out = np.concatenate([one.ignored for one in matches], 1)[:, order]
    hits, misses = (right & ~out).cumsum(1), (~right & ~out).cumsum(1)
    for i, (hit, miss) in enumerate(zip(hits, misses, strict=True)):
        precisions[i], recalls[i] = precision_at_recalls(hit, miss, count)
    return ClassResult(precisions, recalls, count)


def precision_at_recalls(
    hits: Int[np.ndarray, " M"], misses: Int[np.ndarray, " M"], truths: int
) -> tuple[Float[np.ndarray, " 101"], float]:
    """Return the interpolated precision at each recall (the best at this or a higher recall), and the final recall.

    hits, misses: cumulative counts of right and wrong boxes, in the order of their scores.
    """
    recall = hits / truths
    precision = hits / np.maximum(hits + misses, 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    place = np.searchsorted(recall, RECALLS, side="left")
    return np.where(place < len(best), np.append(best, 0)[place], 0.0), float(recall[-1]) if len(recall) else 0.0


class Matches(NamedTuple):
    """The predicted boxes of an image, highest score first: matched, ignored, and the index of the matched true box."""

    scores: Float[np.ndarray, " M"]
    matched: Bool[np.ndarray, "T M"]
    ignored: Bool[np.ndarray, "T M"]
    partners: Int[np.ndarray, "T M"]
    truths: int


def match(truth: Truth, found: Found, area: tuple[float, float] = AREAS["all"]) -> Matches:
    """Match the predicted boxes of an image to true boxes, highest score first; all are of one class.

    A box is matched to the unmatched true box with the highest IoU, if it reaches the threshold; true boxes that count
    are preferred to ignored ones. The overlap with a crowd is the fraction of the predicted box inside it.
    """
    out = truth.crowd | truth.ignored | _outside(truth.boxes, area)
    overlaps = _overlaps(found.boxes, truth)
    taken, shape = np.zeros((len(IOUS), len(out)), bool), (len(IOUS), len(found.scores))
    partners = np.full(shape, -1)
    for i, overlap in enumerate(overlaps):
        free = (~taken | truth.crowd) & (overlap >= np.minimum(IOUS, 1 - 1e-10)[:, None])
        for who in (free & ~out, free & out):
            open_ = (partners[:, i] < 0) & who.any(1)
            best = _last_best(np.where(who, overlap, -1.0))
            partners[open_, i] = best[open_]
        rows = np.flatnonzero(partners[:, i] >= 0)
        taken[rows, partners[rows, i]] = True
    matched = partners >= 0
    ignored = np.where(matched, np.append(out, False)[partners], _outside(found.boxes, area))
    return Matches(found.scores, matched, ignored, partners, int((~out).sum()))


def _last_best(values: Float[np.ndarray, "T N"]) -> Int[np.ndarray, " T"]:
    """Return the position of the maximum of each row; the last one for ties, as in COCO's own code."""
    return values.shape[1] - 1 - values[:, ::-1].argmax(1) if values.shape[1] else np.full(len(values), -1)


def _overlaps(boxes: Float[np.ndarray, "M 4"], truth: Truth) -> Float[np.ndarray, "M N"]:
    shared = box_intersections(boxes, truth.boxes)
    own = box_areas(boxes)[:, None]
    whole = np.where(truth.crowd, own, own + box_areas(truth.boxes) - shared)
    return np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)


def _outside(boxes: Float[np.ndarray, "N 4"], area: tuple[float, float]) -> Bool[np.ndarray, " N"]:
    sizes = box_areas(boxes)
    return (sizes < area[0]) | (sizes > area[1])


def _truth_of(truth: Truth, label: int) -> Truth:
    rows = truth.labels == label
    return Truth(truth.boxes[rows], truth.labels[rows], truth.crowd[rows], truth.ignored[rows])


def _found_of(found: Found, label: int, most: int) -> Found:
    rows = of_class(found, label)[:most]
    return Found(found.boxes[rows], found.scores[rows], found.labels[rows])


def of_class(found: Found, label: int) -> Int[np.ndarray, " K"]:
    """Return the positions of the boxes of a class, those with the highest scores first."""
    rows = np.flatnonzero(found.labels == label)
    return rows[np.argsort(-found.scores[rows], kind="stable")]
