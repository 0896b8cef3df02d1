"""Images with boxes around objects, and their division into training, validation and test."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.errors import UserError
from lingon.data.files.images import read_image

__all__ = ["BoxSplits", "BoxedImage", "box_counts"]


@dataclass(frozen=True)
class BoxedImage:
    """An image with N boxes. source: path or bytes of its file. name: for messages and tables.

    size: height and width in pixels, upright, as returned by `lingon.data.files.images.read_image`. boxes: float32
    [N, 4], left, top, right and bottom edges in pixels of that image: right - left is the width. labels: N names.
    crowd: boxes around many objects. ignored: boxes that a detector need not find (difficult in Pascal VOC).
    Raises UserError if these are inconsistent.
    """

    source: Path | bytes
    name: str
    size: tuple[int, int]
    boxes: np.ndarray
    labels: tuple[str, ...]
    crowd: np.ndarray
    ignored: np.ndarray

    def __post_init__(self):
        count = len(self.labels)
        if self.boxes.shape != (count, 4) or self.crowd.shape != (count,) or self.ignored.shape != (count,):
            raise UserError(
                f"{self.name}: boxes {self.boxes.shape}, crowd {self.crowd.shape} and ignored {self.ignored.shape} "
                f"for {count} labels; expected (N, 4), (N,) and (N,)"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def pixels(self) -> np.ndarray:
        """Return the image as uint8 [H, W, 3], upright. Raises DataError with its name if it cannot be read."""
        return read_image(self.source, "RGB", self.name)


@dataclass(frozen=True)
class BoxSplits:
    """Training, validation and test images, their name, and their source (as recorded in run.json)."""

    train: list[BoxedImage]
    valid: list[BoxedImage]
    test: list[BoxedImage]
    name: str
    source: dict[str, Any] = field(default_factory=dict)


def box_counts(images: Sequence[BoxedImage]) -> dict[str, int]:
    """Return the number of boxes of each label, in alphabetical order."""
    return dict(sorted(Counter(label for image in images for label in image.labels).items()))
