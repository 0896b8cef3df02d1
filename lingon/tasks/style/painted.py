"""A photo and how it was painted: what `lingon stylize` and `lingon predict` write."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.terminal import printable
from lingon.data.files.images import save_image
from lingon.pages.slider import PicturePair, write_slider


@dataclass(frozen=True, eq=False)
class Painted:
    """A painted photo. photo, pixels: uint8 [H, W, 3], before and after. name: of the photo. facts: lines on a page."""

    name: str
    photo: np.ndarray = field(repr=False)
    pixels: np.ndarray = field(repr=False)
    facts: Sequence[str] = ()

    def __eq__(self, other: object) -> bool:
        """Return whether the same photo was painted the same way."""
        if not isinstance(other, Painted):
            return NotImplemented
        same = np.array_equal(self.photo, other.photo) and np.array_equal(self.pixels, other.pixels)
        return same and (self.name, list(self.facts)) == (other.name, list(other.facts))

    __hash__ = None  # type: ignore[assignment]  # as of the arrays in it

    def row(self) -> dict[str, Any]:
        """Return the name, the size, and how far the pixels are from those of the photo on average, 0 to 255."""
        height, width, _ = self.pixels.shape
        change = np.abs(self.pixels.astype(np.float32) - self.photo).mean()
        return {"image": self.name, "width": width, "height": height, "change": round(float(change), 4)}

    def save(self, path: Path | str) -> Path:
        """Write the picture in the format of the ending."""
        return save_image(path, self.pixels)

    def __str__(self) -> str:
        row = self.row()
        return f"{printable(self.name)}: {row['width']} x {row['height']}, pixels changed by {row['change']:.1f} of 255"


def write_page(path: Path | str, found: Sequence[Painted], name: str) -> Path:
    """Write a page with a slider between each photo and its picture. name: of the style or the model."""
    pairs = [PicturePair(one.name, one.photo, one.pixels, one.facts) for one in found]
    return write_slider(path, pairs, f"Painted as {name}")
