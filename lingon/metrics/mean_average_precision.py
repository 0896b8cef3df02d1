"""Mean average precision of detectors by the rules of COCO (Lin et al. 2014): ten overlaps, three sizes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lingon.core.shapes import Bool, Float, Int
from lingon.data.boxes import box_areas, box_intersections

__all__ = ["AREAS", "IOUS", "Found", "Truth", "average_precisions", "match", "mean_average_precision", "of_class"]

IOUS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
MOST = 100  # boxes of a class in an image that count, those with the highest scores
AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}


class Truth(NamedTuple):
    """What is in an image: boxes, the number of each one's class, and two marks.

    crowd: a box around many, which any number of found boxes may lie in. ignored: need not be found. Neither counts,
    nor does a box that is found there.
    """

    boxes: Float[np.ndarray, "N 4"]
    labels: Int[np.ndarray, " N"]
    crowd: Bool[np.ndarray, " N"]
    ignored: Bool[np.ndarray, " N"]


class Found(NamedTuple):
    """What was found in an image: boxes, scores, and the number of each one's class."""

    boxes: Float[np.ndarray, "M 4"]
    scores: Float[np.ndarray, " M"]
    labels: Int[np.ndarray, " M"]


class ClassResult(NamedTuple):
    """Precision at 101 recalls and the recall in the end, at each of the overlaps; truths counts the boxes to find."""

    precisions: Float[np.ndarray, "T 101"]
    recalls: Float[np.ndarray, " T"]
    truths: int


def mean_average_precision(
    truths: Sequence[Truth], found: Sequence[Found], classes: int, areas: Sequence[str] = tuple(AREAS)
) -> dict[str, float]:
    """Return the metrics of COCO by name: the mean over classes that occur of their average precision, and recall.

    map: over the overlaps .50, .55, ..., .95; map50 and map75: at one of them; map_small (less than 32 x 32 pixels),
    map_medium, map_large (more than 96 x 96). recall: of 100 boxes an image, over the overlaps. Where no box is to be
    found, the value is NaN. areas: those that are computed; "all" is needed.
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
    """Return precision by recall of one class. area: least and most pixels of the boxes that count.

    The mean of the precisions at an overlap is the average precision there.
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
    """Return the precision at each recall, the best of any recall that is as high or higher, and the last recall.

    hits, misses: how many of the first boxes are right, and wrong.
    """
    recall = hits / truths
    precision = hits / np.maximum(hits + misses, 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    place = np.searchsorted(recall, RECALLS, side="left")
    return np.where(place < len(best), np.append(best, 0)[place], 0.0), float(recall[-1]) if len(recall) else 0.0


class Matches(NamedTuple):
    """For each found box of an image, the highest score first: whether it has a partner, and whether it counts."""

    scores: Float[np.ndarray, " M"]
    matched: Bool[np.ndarray, "T M"]
    ignored: Bool[np.ndarray, "T M"]
    partners: Int[np.ndarray, "T M"]
    truths: int


def match(truth: Truth, found: Found, area: tuple[float, float] = AREAS["all"]) -> Matches:
    """Give each found box of an image its partner, those with the highest scores first; all are of one class.

    A box gets the free true box that it overlaps most, if by as much as is asked; one that counts is taken before one
    that does not. The overlap with a crowd is the share of the found box that lies in it.
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
    """Of several that are best the last one, as COCO's own program has it."""
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
