"""Non-maximum suppression: among boxes that overlap strongly, the one with the highest score is kept."""

import numpy as np

from lingon.core.shapes import Float, Int
from lingon.data.boxes import box_iou

__all__ = ["non_maximum_suppression"]


def non_maximum_suppression(
    boxes: Float[np.ndarray, "N 4"],
    scores: Float[np.ndarray, " N"],
    labels: Int[np.ndarray, " N"],
    iou: float = 0.5,
) -> Int[np.ndarray, " K"]:
    """Return the indices of the boxes that are kept, by descending score; ties in their original order.

    A box is removed if a kept box with the same label and a higher score overlaps it with an IoU above `iou`.

    >>> boxes = np.array([[0.0, 0, 10, 10], [1.0, 0, 10, 10], [20.0, 0, 30, 10]])
    >>> non_maximum_suppression(boxes, np.array([0.5, 0.9, 0.3]), np.array([0, 0, 0])).tolist()
    [1, 2]
    """
    order = np.argsort(-scores, kind="stable")
    rivals = (box_iou(boxes[order], boxes[order]) > iou) & (labels[order, None] == labels[order])
    stays = np.ones(len(order), bool)
    for place in range(len(order)):
        if stays[place]:
            stays[place + 1 :] &= ~rivals[place, place + 1 :]
    return order[stays]
