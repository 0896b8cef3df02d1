"""Converts an image that is given to a task, a file or an array, to RGB pixels."""

from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.errors import UserError
from lingon.data.files.images import read_image


def rgb_pixels(image: Any, name: str | None = None) -> np.ndarray:
    """Return an image as uint8 [H, W, 3].

    image: the path of a file, its bytes, or an array uint8 [H, W, 3], or grey [H, W] or [H, W, 1]. name: for messages.
    Raises UserError for anything else, DataError for a file that is not an image.
    """
    if isinstance(image, str | Path | bytes):
        return read_image(image, name=name)
    if not isinstance(image, np.ndarray):
        raise UserError(f"{name or 'an image'} is a path, or pixels uint8 [H, W, 3]; not {type(image).__name__}")
    pixels = image[..., None] if image.ndim == 2 else image
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or not pixels.size:
        found = f"{image.dtype} of shape {image.shape}"
        raise UserError(f"{name or 'an image'} is {found}, expected pixels uint8 [H, W, 3], or grey [H, W]")
    return np.repeat(pixels, 3, 2) if pixels.shape[2] == 1 else pixels
