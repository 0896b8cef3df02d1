"""The frame that a detector looks at: every image is fitted into one size, and boxes are brought back from it."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from lingon.core.shapes import Float
from lingon.data.boxed_images import BoxedImage
from lingon.data.boxes import clip_boxes
from lingon.data.files.images import resize_image

GREY = 128  # of what an image does not fill
LONG_SIDE, STEP = 320, 16
Size = tuple[int, int]  # height, width


def usual_size(images: Sequence[BoxedImage]) -> Size:
    """Return the size of a frame of the shape that most images have: the longer side 320, both multiples of 16."""
    (height, width), _ = Counter(image.size for image in images).most_common(1)[0]
    scale = LONG_SIDE / max(height, width)
    tall, wide = (max(2, round(side * scale / STEP)) * STEP for side in (height, width))
    return tall, wide


def scale_to(size: Size, frame: Size) -> float:
    """Return the factor by which an image fits into a frame whole."""
    return min(frame[0] / size[0], frame[1] / size[1])


def framed(pixels: np.ndarray, frame: Size) -> np.ndarray:
    """Return an image [H, W, 3] scaled into a frame, in its upper left corner; the rest is grey."""
    scale = scale_to((pixels.shape[0], pixels.shape[1]), frame)
    tall, wide = (min(most, max(1, round(side * scale))) for side, most in zip(pixels.shape[:2], frame, strict=True))
    paper = np.full((*frame, 3), GREY, np.uint8)
    paper[:tall, :wide] = resize_image(pixels, tall, wide)
    return paper


def unframed(boxes: Float[np.ndarray, "N 4"], size: Size, frame: Size) -> Float[np.ndarray, "N 4"]:
    """Return boxes of a frame in pixels of an image of this size, inside of it."""
    return clip_boxes(boxes / np.float32(scale_to(size, frame)), *size)
