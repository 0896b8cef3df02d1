"""Metrics of segmentation masks: intersection over union, Dice coefficient, and pixel accuracy."""

import numpy as np

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int, UInt8

IGNORED = 255  # pixels of this true class are ignored


def mask_confusion(
    found: UInt8[np.ndarray, "*sizes"], true: UInt8[np.ndarray, "*sizes"], classes: int
) -> Int[np.ndarray, "C C"]:
    """Return the number of pixels by true class (row) and predicted class (column), without those of true class 255.

    >>> mask_confusion(np.array([0, 1, 1, 0], np.uint8), np.array([0, 1, 0, 255], np.uint8), 2).tolist()
    [[1, 1], [0, 1]]

    Raises UserError for a class that is not one of 0 to `classes` - 1.
    """
    counted = true != IGNORED
    of, to = true[counted].astype(np.int64), found[counted].astype(np.int64)
    for name, numbers in (("true", of), ("found", to)):
        if len(numbers) and numbers.max() >= classes:
            raise UserError(f"a {name} class is {numbers.max()}; there are {classes}, 0 to {classes - 1}")
    return np.bincount(of * classes + to, minlength=classes * classes).reshape(classes, classes)


def class_iou(confusion: Int[np.ndarray, "C C"]) -> Float[np.ndarray, " C"]:
    """Return the intersection over union of each class: pixels both true and predicted, over pixels of either kind.

    NaN for a class that occurs neither in the true nor in the predicted masks; 0 for a class that occurs only in the
    predicted ones.

    >>> class_iou(np.array([[2, 1, 0], [1, 4, 0], [0, 0, 0]])).tolist()
    [0.5, 0.6666666666666666, nan]
    """
    right = np.diagonal(confusion)
    return _divided(right, confusion.sum(0) + confusion.sum(1) - right)


def class_dice(confusion: Int[np.ndarray, "C C"]) -> Float[np.ndarray, " C"]:
    """Return the Dice coefficient of each class, which is its F1 over pixels; NaN as for `class_iou`.

    >>> class_dice(np.array([[2, 1], [1, 4]])).tolist()
    [0.6666666666666666, 0.8]
    """
    return _divided(2 * np.diagonal(confusion), confusion.sum(0) + confusion.sum(1))


def mean_iou(confusion: Int[np.ndarray, "C C"]) -> float:
    """Return the mean of `class_iou` over the classes for which it is defined; NaN if there are none."""
    return _mean(class_iou(confusion))


def mean_dice(confusion: Int[np.ndarray, "C C"]) -> float:
    """Return the mean of `class_dice` over the classes for which it is defined; NaN if there are none."""
    return _mean(class_dice(confusion))


def pixel_accuracy(confusion: Int[np.ndarray, "C C"]) -> float:
    """Return the fraction of pixels whose predicted class is right; NaN without pixels.

    >>> pixel_accuracy(np.array([[2, 1], [1, 4]]))
    0.75
    """
    return float(np.diagonal(confusion).sum() / confusion.sum()) if confusion.any() else float("nan")


def _divided(some: np.ndarray, of: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.true_divide(some, of)


def _mean(values: Float[np.ndarray, " C"]) -> float:
    some = values[~np.isnan(values)]
    return float(some.mean()) if len(some) else float("nan")
