"""Draws an image with boxes as an SVG picture: found, missed and wrong boxes differ in colour and line style."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from lingon.data.files.images import resize_image
from lingon.pages.images import photo_uri

LONGEST = 640  # pixels of the longer side on a page
SMALL = 320  # an image whose longer side is at most half of this is enlarged by an integer factor, to show boxes
LETTER = 6.5  # approximate pixels of a letter of a label
LINE = 14  # pixels of a line of text
STROKES = {"found": ("#16a34a", ""), "missed": ("#f59e0b", "8 5"), "wrong": ("#dc2626", "2 3")}  # colour, dashes
MEANING = {"found": "solid green", "missed": "dashed orange", "wrong": "dotted red"}
STYLE = (
    ".boxes-picture{max-width:100%;height:auto}.boxes-picture image{image-rendering:pixelated}"
    ".boxes-picture text{font:11px system-ui,sans-serif;fill:#fff;"
    "paint-order:stroke;stroke:#000;stroke-width:3px;stroke-linejoin:round}"
    ".boxes-picture rect{fill:none;stroke-width:2}"
)


class DrawnBox(NamedTuple):
    """A box to draw. kind: found, missed or wrong. box: left, top, right, bottom in pixels of the image."""

    kind: str
    text: str
    box: Sequence[float]


def boxes_svg(pixels: np.ndarray, boxes: Sequence[DrawnBox], title: str) -> str:
    """Return the SVG text of an image, uint8 [H, W, 3], at most 640 pixels long, with boxes drawn over it.

    A small image is enlarged. The label of a box is inside of it, or above or below a box that it would cover.

    title: text alternative for screen readers.
    """
    longest = max(pixels.shape[:2])
    scale = LONGEST / longest if longest > LONGEST else max(1, SMALL // longest)
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    shown = resize_image(pixels, height, width) if scale < 1 else pixels
    shapes = "".join(_drawn(one, scale, width, height) for one in boxes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="boxes-picture" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}"><style>{STYLE}</style>'
        f'<image href="{photo_uri(shown)}" width="{width}" height="{height}"/>'
        f"{shapes}</svg>"
    )


def _drawn(one: DrawnBox, scale: float, width: int, height: int) -> str:
    left, top, right, bottom = (side * scale for side in one.box)
    colour, dashes = STROKES[one.kind]
    style = f' stroke-dasharray="{dashes}"' if dashes else ""
    x = max(2.0, min(left + 3, width - LETTER * len(one.text)))  # not cut off at the right edge
    y = top + 12
    if bottom - top < 2 * LINE:  # the label would cover the content of the box
        y = top - 4 if top > LINE else min(bottom + 12, height - 3)
    return (
        f'<rect class="{one.kind}" x="{left:.1f}" y="{top:.1f}" width="{max(0.0, right - left):.1f}" '
        f'height="{max(0.0, bottom - top):.1f}" stroke="{colour}"{style}/>'
        f'<text x="{x:.1f}" y="{y:.1f}">{escape(one.text)}</text>'
    )
