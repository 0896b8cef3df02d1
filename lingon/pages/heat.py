"""Heat maps over images: the attention of a model as colour over the pixels."""

import numpy as np

LARGER = 4  # factor by which a small image is enlarged, to make the heat map visible
SMALL = 256  # pixels of a side, below which an image is small
COLOUR = np.array([239, 68, 68], np.float32)  # for the largest weight
STRONGEST = 0.65  # opacity of the colour for the largest weight
FADE = 0.45  # opacity of white for the smallest weight


def heat_over(pixels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return an image with a heat map over it, uint8 [H', W', 3]; a small image is enlarged.

    pixels: uint8 [H, W, 3] or [H, W, 1]. weights: [h, w], 0 or more, of regions that cover the image; they are
    interpolated, and the largest gets the strongest colour. If all are equal, there is no colour.
    """
    from PIL import Image

    times = LARGER if max(pixels.shape[:2]) <= SMALL else 1
    height, width = (side * times for side in pixels.shape[:2])
    shown = pixels if pixels.shape[-1] == 3 else pixels.repeat(3, -1)
    large = np.asarray(Image.fromarray(shown).resize((width, height), Image.Resampling.NEAREST), np.float32)
    low, high = float(weights.min()), float(weights.max())
    heat = (weights - low) / (high - low) if high > low else np.zeros_like(weights)
    map_of = Image.fromarray(heat.astype(np.float32), mode="F").resize((width, height), Image.Resampling.BICUBIC)
    strength = np.clip(np.asarray(map_of, np.float32), 0, 1)[..., None]
    if high > low:
        large = large + (255 - large) * (FADE * (1 - strength))
    return (large + (COLOUR - large) * (STRONGEST * strength)).round().astype(np.uint8)
