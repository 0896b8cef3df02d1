"""Small images with captions for tests: one square on grey, whose colour and side the caption says. Constructed."""

import itertools

import numpy as np

from lingon.data.captioned_images import CaptionedImages

COLOURS = {"red": (220, 30, 30), "green": (30, 180, 40), "blue": (40, 60, 220)}
SIDES = ("left", "right")


def made_captions(count: int, size: int = 16, seed: int = 0) -> CaptionedImages:
    """Return images [N, size, size, 3] with two captions each: "a red square on the left" and "left: red"."""
    draw, kinds = np.random.default_rng(seed), list(itertools.product(COLOURS, SIDES))
    pixels, captions = np.full((count, size, size, 3), 128, np.uint8), []
    for i in range(count):
        colour, side = kinds[i % len(kinds)]
        left = int(draw.integers(0, size // 2 - 5)) + (size // 2 if side == "right" else 0)
        top = int(draw.integers(0, size - 6))
        pixels[i, top : top + 6, left : left + 6] = COLOURS[colour]
        captions.append((f"a {colour} square on the {side}", f"{side}: {colour}"))
    return CaptionedImages(pixels, captions)
