"""A picture of where a model looked: its heat laid over the image."""

import numpy as np

from lingon.core.shapes import Float
from lingon.data.files.images import pillow

STRENGTH = 0.65  # of the colour where the heat is 1


def heat_over(pixels: np.ndarray, heat: Float[np.ndarray, "h w"]) -> np.ndarray:
    """Return an image in grey with the heat over it, from nothing by red to yellow, as uint8 [H, W, 3].

    pixels: uint8 [H, W, C]. heat: from 0 to 1.
    """
    height, width = pixels.shape[:2]
    made = pillow().fromarray((heat * 255).round().astype(np.uint8))
    hot = np.asarray(made.resize((width, height), pillow().Resampling.BILINEAR), np.float32)[..., None] / 255
    grey = pixels.astype(np.float32).mean(-1, keepdims=True).repeat(3, -1)
    colour = np.concatenate([np.full_like(hot, 255), 255 * np.clip(2 * hot - 1, 0, 1) ** 0.8 + 30, 0 * hot], -1)
    share = STRENGTH * np.sqrt(hot)
    return np.clip(grey * (1 - share) + colour * share, 0, 255).round().astype(np.uint8)
