"""How well masks agree with true ones: intersection over union, Dice, and the share of right pixels."""

import numpy as np

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int, UInt8

IGNORED = 255  # a pixel of this true class counts for nothing


def mask_confusion(
    found: UInt8[np.ndarray, "*sizes"], true: UInt8[np.ndarray, "*sizes"], classes: int
) -> Int[np.ndarray, "C C"]:
    """Count pixels by true class (row) and found class (column); those whose true class is 255 are left out.

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
    """Return the intersection over union of each class: of the pixels that are or are found to be it, those both.

    NaN for a class that no pixel is and none is found to be: there is nothing to be right or wrong about. A class that
    no pixel is, but some are found to be, has 0.

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
    """Return the mean of `class_iou` over the classes that have one; NaN where there is none."""
    return _mean(class_iou(confusion))


def mean_dice(confusion: Int[np.ndarray, "C C"]) -> float:
    """Return the mean of `class_dice` over the classes that have one; NaN where there is none."""
    return _mean(class_dice(confusion))


def pixel_accuracy(confusion: Int[np.ndarray, "C C"]) -> float:
    """Return the share of pixels whose class is found; NaN where there are no pixels.

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
