"""Scores of masks: by hand, and beside a slow version that counts pixel by pixel."""

import math

import numpy as np
import pytest

from lingon.core.errors import UserError
from lingon.metrics.segmentation import class_dice, class_iou, mask_confusion, mean_dice, mean_iou, pixel_accuracy

TRUE = np.array([[0, 0, 1], [1, 1, 255]], np.uint8)
FOUND = np.array([[0, 1, 1], [1, 3, 0]], np.uint8)


def test_scores_by_hand():
    """Class 0: 1 of 2; class 1: 2 right, 1 missed, 1 too many; class 2: not there; class 3: found, and never true."""
    confusion = mask_confusion(FOUND, TRUE, 4)
    assert confusion.sum() == 5
    assert class_iou(confusion)[:2].tolist() == [1 / 2, 2 / 4]
    assert class_dice(confusion)[:2].tolist() == [2 / 3, 4 / 6]
    assert math.isnan(class_iou(confusion)[2])
    assert class_iou(confusion)[3] == 0
    assert mean_iou(confusion) == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)
    assert mean_dice(confusion) == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)
    assert pixel_accuracy(confusion) == 3 / 5


def slow(found, true, classes):
    """IoU and Dice of each class from sets of places, and the share of right pixels."""
    places = [place for place in np.ndindex(true.shape) if true[place] != 255]
    ious, dices = [], []
    for c in range(classes):
        a, b = {p for p in places if true[p] == c}, {p for p in places if found[p] == c}
        ious.append(len(a & b) / len(a | b) if a | b else math.nan)
        dices.append(2 * len(a & b) / (len(a) + len(b)) if a or b else math.nan)
    return ious, dices, np.mean([found[p] == true[p] for p in places])


@pytest.mark.parametrize("seed", range(5))
def test_scores_equal_those_of_a_slow_version(seed):
    random = np.random.default_rng(seed)
    true = random.choice([0, 1, 2, 5, 255], (3, 7, 11)).astype(np.uint8)
    found = np.where(random.random(true.shape) < 0.5, true, random.integers(0, 6, true.shape)).astype(np.uint8)
    found[found == 255] = 1
    confusion = mask_confusion(found, true, 7)
    ious, dices, share = slow(found, true, 7)
    np.testing.assert_allclose(class_iou(confusion), ious)
    np.testing.assert_allclose(class_dice(confusion), dices)
    assert mean_iou(confusion) == pytest.approx(np.nanmean(ious))
    assert mean_dice(confusion) == pytest.approx(np.nanmean(dices))
    assert pixel_accuracy(confusion) == pytest.approx(share)


def test_masks_of_which_no_pixel_counts_have_no_scores():
    confusion = mask_confusion(np.zeros((2, 3), np.uint8), np.full((2, 3), 255, np.uint8), 2)
    assert all(math.isnan(score(confusion)) for score in (mean_iou, mean_dice, pixel_accuracy))


def test_an_unknown_class_is_refused():
    with pytest.raises(UserError, match="a found class is 4; there are 4, 0 to 3"):
        mask_confusion(np.array([4], np.uint8), np.array([0], np.uint8), 4)
