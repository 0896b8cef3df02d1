"""Embeds images into the single file of a page."""

import base64
import io

import numpy as np


def data_uri(pixels: np.ndarray) -> str:
    """Return an image, uint8 [H, W, C] or [H, W], as a PNG data URI for an `img` element; templates escape it."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels).save(file, format="PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def photo_uri(pixels: np.ndarray) -> str:
    """Return a photo, uint8 [H, W, 3], as a JPEG data URI for an `img` or `image` element."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")
