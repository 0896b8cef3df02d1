"""Mean average precision of boxes: by hand, against a slow program of its own, and what crowds and sizes do."""

import math

import numpy as np
import pytest

from lingon.metrics.mean_average_precision import (
    AREAS,
    IOUS,
    Found,
    Truth,
    average_precisions,
    match,
    mean_average_precision,
)


def truth(*boxes, labels=None, crowd=(), ignored=()):
    marks = [np.array([i in given for i in range(len(boxes))], bool) for given in (crowd, ignored)]
    numbers = np.array(labels or [0] * len(boxes), np.int64)
    return Truth(np.array(boxes, float).reshape(-1, 4), numbers, *marks)


def found(*rows, labels=None):
    """Rows of a score and a box."""
    boxes = np.array([row[1:] for row in rows], float).reshape(-1, 4)
    return Found(boxes, np.array([row[0] for row in rows], float), np.array(labels or [0] * len(rows), np.int64))


def test_by_hand():
    """Two objects; the surest box is right, the second wrong, the third right: precision 1, 1/2, 2/3 at 1/2, 1/2, 1."""
    truths = [truth((0, 0, 10, 10), (20, 0, 30, 10))]
    boxes = [found((0.9, 0, 0, 10, 10), (0.8, 50, 50, 60, 60), (0.7, 20, 0, 30, 10))]
    metrics = mean_average_precision(truths, boxes, 1)
    # recalls 0, .01, ..., .50 have precision 1; the 50 above have 2/3
    assert metrics["map50"] == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert metrics["map"] == pytest.approx(metrics["map50"])  # both overlap wholly
    assert metrics["recall"] == 1.0
    assert metrics["map_small"] == pytest.approx(metrics["map50"] if 10 * 10 < 32**2 else math.nan)
    assert math.isnan(metrics["map_large"])


def test_an_overlap_of_six_tenths_counts_at_three_of_the_ten():
    """A box of 10 x 10 and one shifted by 2.5: 75 shared of 125, 0.6."""
    metrics = mean_average_precision([truth((0, 0, 10, 10))], [found((0.5, 2.5, 0, 12.5, 10))], 1)
    assert metrics["map50"] == pytest.approx(1.0)
    assert metrics["map75"] == 0.0
    assert metrics["map"] == pytest.approx(0.3)  # .50, .55 and .60
    assert metrics["recall"] == pytest.approx(0.3)


def test_a_second_box_on_one_object_is_wrong_but_in_a_crowd_none_is():
    twice = [found((0.9, 0, 0, 10, 10), (0.8, 0, 0, 10, 10))]
    assert match(truth((0, 0, 10, 10)), twice[0]).matched[0].tolist() == [True, False]
    crowd = truth((0, 0, 100, 100), (200, 0, 210, 10), crowd=[0])
    boxes = found((0.9, 0, 0, 10, 10), (0.8, 5, 5, 15, 15), (0.7, 200, 0, 210, 10), (0.6, 300, 0, 310, 10))
    matches = match(crowd, boxes)
    assert matches.ignored[0].tolist() == [True, True, False, False]
    assert matches.truths == 1
    assert average_precisions([crowd], [boxes], 0).precisions[0].mean() == pytest.approx(1.0)


def test_what_need_not_be_found_counts_neither_way():
    truths = [truth((0, 0, 10, 10), (20, 0, 30, 10), ignored=[1])]
    for boxes in ([(0.5, 0, 0, 10, 10)], [(0.9, 20, 0, 30, 10), (0.5, 0, 0, 10, 10)]):
        assert mean_average_precision(truths, [found(*boxes)], 1)["map"] == pytest.approx(1.0)


def test_classes_that_do_not_occur_are_no_part_of_the_mean_and_one_never_found_is_zero():
    truths = [truth((0, 0, 10, 10), (20, 0, 30, 10), labels=[0, 2])]
    boxes = [found((0.9, 0, 0, 10, 10), (0.9, 40, 0, 50, 10), labels=[0, 1])]
    assert mean_average_precision(truths, boxes, 3)["map50"] == pytest.approx(0.5)
    assert math.isnan(mean_average_precision([truth()], [found()], 3)["map"])


def overlap(box, other, crowd):
    """By counting: the sides of what they share."""
    wide = max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
    tall = max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
    size = lambda one: (one[2] - one[0]) * (one[3] - one[1])
    whole = size(box) if crowd else size(box) + size(other) - wide * tall
    return wide * tall / whole


def slow(truths, founds, label, threshold, area, most=100):
    """Average precision of a class at an overlap, written from the rules, one box at a time."""
    size = lambda one: (one[2] - one[0]) * (one[3] - one[1])
    total, rows = 0, []
    for order, (true, seen) in enumerate(zip(truths, founds, strict=True)):
        gold = []
        for i, number in enumerate(true.labels):
            if number == label:
                box = true.boxes[i]
                out = bool(true.crowd[i] or true.ignored[i] or not area[0] <= size(box) <= area[1])
                gold.append({"box": box, "crowd": bool(true.crowd[i]), "out": out, "free": True})
        total += sum(not one["out"] for one in gold)
        mine = sorted((i for i in range(len(seen.labels)) if seen.labels[i] == label), key=lambda i: -seen.scores[i])
        for rank, i in enumerate(mine[:most]):
            best = None
            for out in (False, True):  # one that counts is taken before one that does not
                for one in gold:
                    if best is None or best[1]["out"] == out:
                        value = overlap(seen.boxes[i], one["box"], one["crowd"])
                        open_ = one["out"] == out and (one["free"] or one["crowd"])
                        if open_ and value >= threshold and (best is None or value >= best[0]):
                            best = (value, one)
            if best:
                best[1]["free"] = False
                kind = "out" if best[1]["out"] else "hit"
            else:
                kind = "miss" if area[0] <= size(seen.boxes[i]) <= area[1] else "out"
            rows.append((-seen.scores[i], order, rank, kind))
    if not total:
        return 0, math.nan
    points, hits, misses = [], 0, 0
    for _, _, _, kind in sorted(rows):
        hits, misses = hits + (kind == "hit"), misses + (kind == "miss")
        if hits + misses:
            points.append((hits / total, hits / (hits + misses)))
        else:
            points.append((0.0, 0.0))
    precisions = [max((p for r, p in points if r >= recall - 1e-12), default=0.0) for recall in np.linspace(0, 1, 101)]
    return total, float(np.mean(precisions))


@pytest.mark.parametrize("seed", range(6))
def test_as_a_slow_program_says(seed):
    random = np.random.default_rng(seed)
    truths, founds = [], []
    for _ in range(7):
        count = int(random.integers(0, 6))
        boxes = np.concatenate(
            [corner := random.integers(0, 60, (count, 2)), corner + random.integers(8, 90, (count, 2))], 1
        )
        labels, marks = random.integers(0, 3, count), random.random((2, count)) < 0.15
        truths.append(Truth(boxes.astype(float), labels, *marks))
        near = np.repeat(boxes, 2, 0) + random.normal(scale=3.0, size=(2 * count, 4))
        far = np.concatenate([corner := random.uniform(0, 60, (3, 2)), corner + random.uniform(4, 50, (3, 2))], 1)
        kinds = np.concatenate([np.repeat(labels, 2), random.integers(0, 3, 3)])
        founds.append(Found(np.concatenate([near, far]), random.permutation(2 * count + 3) / 40, kinds))
    for name in AREAS:
        means = []
        for label in range(3):
            wanted = [slow(truths, founds, label, threshold, AREAS[name]) for threshold in IOUS]
            one = average_precisions(truths, founds, label, AREAS[name])
            assert one.truths == wanted[0][0]
            if one.truths:
                np.testing.assert_allclose(one.precisions.mean(1), [value for _, value in wanted], atol=1e-9)
                means.append(np.mean([value for _, value in wanted]))
        key = "map" if name == "all" else f"map_{name}"
        assert mean_average_precision(truths, founds, 3)[key] == pytest.approx(
            np.mean(means) if means else math.nan, nan_ok=True
        )


def test_only_a_hundred_boxes_of_a_class_count():
    boxes = [(1 - i / 1000, 1000 + 20 * i, 0, 1010 + 20 * i, 10) for i in range(100)] + [(0.1, 0, 0, 10, 10)]
    assert mean_average_precision([truth((0, 0, 10, 10))], [found(*boxes)], 1)["recall"] == 0.0
    assert mean_average_precision([truth((0, 0, 10, 10))], [found(*boxes[1:])], 1)["recall"] == 1.0
