"""Non-maximum suppression: of boxes that overlap much, the one with the highest score stays."""

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
    """Return the positions of the boxes that stay, those with the highest scores first, of equal ones the earlier.

    A box goes where one of the same label with a higher score overlaps it by more than `iou`, and itself stays.

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
