"""Arithmetic of boxes (left, top, right, bottom): areas, intersections, IoU."""

import numpy as np

from lingon.core.shapes import Float

__all__ = ["box_areas", "box_intersections", "box_iou", "clip_boxes"]


def box_areas(boxes: Float[np.ndarray, "N 4"]) -> Float[np.ndarray, " N"]:
    """Return the area of each box, 0 for one with negative width or height."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return sides[:, 0] * sides[:, 1]


def box_intersections(left: Float[np.ndarray, "N 4"], right: Float[np.ndarray, "M 4"]) -> Float[np.ndarray, "N M"]:
    """Return the area of the intersection of each left box with each right one."""
    least = np.maximum(left[:, None, :2], right[None, :, :2])
    most = np.minimum(left[:, None, 2:], right[None, :, 2:])
    sides = np.maximum(most - least, 0)
    return sides[..., 0] * sides[..., 1]


def box_iou(left: Float[np.ndarray, "N 4"], right: Float[np.ndarray, "M 4"]) -> Float[np.ndarray, "N M"]:
    """Return the intersection over union of all pairs, 0 if both have no area.

    >>> box_iou(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2]])).round(3).tolist()
    [[0.333]]
    """
    shared = box_intersections(left, right)
    union = box_areas(left)[:, None] + box_areas(right)[None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def clip_boxes(boxes: Float[np.ndarray, "N 4"], height: float, width: float) -> Float[np.ndarray, "N 4"]:
    """Return the boxes clipped to an image of this size."""
    return np.clip(boxes, 0, np.array([width, height, width, height], boxes.dtype))
