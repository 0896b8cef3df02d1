"""Combines images of one size into one image."""

import numpy as np

from lingon.core.errors import UserError
from lingon.core.shapes import Int

PAPER = 255


def image_grid(pixels: Int[np.ndarray, "N H W C"], columns: int, gap: int = 2) -> Int[np.ndarray, "height width C"]:
    """Return images, uint8, in rows of `columns`, with white between them and in the rest of the last row.

    Raises UserError if there is no image.
    """
    if not len(pixels) or columns < 1:
        raise UserError(f"{len(pixels)} images in {columns} columns; a grid takes one or more")
    count, height, width, channels = pixels.shape
    rows = -(-count // columns)
    found = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), PAPER, np.uint8)
    for i, image in enumerate(pixels):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        found[top : top + height, left : left + width] = image
    return found
