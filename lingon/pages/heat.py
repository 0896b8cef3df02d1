"""Heat over an image: where a model looked, as colour over its pixels."""

import numpy as np

LARGER = 4  # times that a small image is shown larger, so that the heat is seen
SMALL = 256  # pixels of a side, below which an image is small
COLOUR = np.array([239, 68, 68], np.float32)  # where it looked most
STRONGEST = 0.65  # of the colour over the pixels there
FADE = 0.45  # of white over the pixels where it did not look


def heat_over(pixels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return an image with heat over it, uint8 [H', W', 3], larger where it is small.

    pixels: uint8 [H, W, 3] or [H, W, 1]. weights: [h, w], 0 or more, of places that cover the image; they are stretched
    smoothly, and the largest is the strongest colour. All alike: no colour.
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
