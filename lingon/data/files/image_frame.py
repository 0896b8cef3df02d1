"""Frame of an image file: its size as stored, and its EXIF orientation, by which it is rotated when shown."""

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lingon.data.files.images import pillow

ORIENTATION = 274  # the tag of EXIF


class ImageFrame(NamedTuple):
    """Height and width as stored, and the EXIF orientation, from 1 (upright) to 8."""

    height: int
    width: int
    orientation: int

    @property
    def upright(self) -> tuple[int, int]:
        """Return height and width as the image is shown."""
        return (self.width, self.height) if self.orientation >= 5 else (self.height, self.width)


def image_frame(source: Path | bytes) -> ImageFrame:
    """Return the frame of an image that `read_image` can read."""
    with pillow().open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
        noted = image.getexif().get(ORIENTATION, 1)
        orientation = noted if isinstance(noted, int) and 1 <= noted <= 8 else 1
        return ImageFrame(image.height, image.width, orientation)


def turned_boxes(boxes: np.ndarray, frame: ImageFrame) -> np.ndarray:
    """Convert boxes [N, 4] of the stored image to the image as it is shown, for EXIF orientations 5 to 8."""
    left, top, right, bottom = boxes.T
    if frame.orientation in (6, 7):
        top, bottom = frame.height - bottom, frame.height - top
    if frame.orientation in (7, 8):
        left, right = frame.width - right, frame.width - left
    return np.stack([top, left, bottom, right], 1)
