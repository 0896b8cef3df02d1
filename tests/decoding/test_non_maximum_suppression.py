"""Non-maximum suppression: as a slow program of its own says, and by hand."""

import numpy as np
import pytest

from lingon.decoding.non_maximum_suppression import non_maximum_suppression


def slow(boxes, scores, labels, iou):
    """Take the best that is left, put away what it covers, until nothing is left."""
    left, kept = sorted(range(len(scores)), key=lambda i: (-scores[i], i)), []
    while left:
        best = left.pop(0)
        kept.append(best)
        left = [i for i in left if labels[i] != labels[best] or overlap(boxes[i], boxes[best]) <= iou]
    return kept


def overlap(a, b):
    shared = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("iou", [0.2, 0.5, 0.8])
def test_as_a_slow_program_says(seed, iou):
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 30, (67, 2))
    boxes = np.concatenate([corners, corners + random.uniform(5, 30, (67, 2))], 1)
    scores, labels = random.integers(0, 20, 67) / 20, random.integers(0, 3, 67)
    assert non_maximum_suppression(boxes, scores, labels, iou).tolist() == slow(boxes, scores, labels, iou)


def test_a_box_that_went_puts_none_away():
    """The second goes for the first, and the third, which overlaps only the second, stays."""
    boxes = np.array([[0.0, 0, 10, 10], [4.0, 0, 14, 10], [8.0, 0, 18, 10]])
    found = non_maximum_suppression(boxes, np.array([0.9, 0.8, 0.7]), np.zeros(3, int), 0.4)
    assert found.tolist() == [0, 2]
    assert non_maximum_suppression(boxes, np.array([0.9, 0.8, 0.7]), np.array([0, 1, 0]), 0.4).tolist() == [0, 1, 2]
    assert non_maximum_suppression(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int)).tolist() == []
