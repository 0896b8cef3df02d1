"""Stamps of plain shapes for tests, so that nothing has to be fetched."""

import numpy as np

from lingon.data.stamps import Stamps

COLOURS = {"disc": (255, 0, 0), "bar": (0, 255, 0), "square": (0, 0, 255)}


def made_stamps(side: int = 23) -> Stamps:
    """Return three stamps: a red disc, a green bar three times as wide as high, and a blue square."""
    down, right = np.mgrid[:side, :side] - side // 2
    shapes = [down**2 + right**2 <= (side // 2) ** 2, np.abs(down) <= side // 6, np.ones((side, side), bool)]
    pixels = np.zeros((3, side, side, 4), np.uint8)
    for one, shape, colour in zip(pixels, shapes, COLOURS.values(), strict=True):
        one[shape] = (*colour, 255)
    return Stamps(pixels, [{"en": f"A {name}."} for name in COLOURS], ["shapes"] * 3, list(COLOURS))
