"""Images with one or more captions each, and their division into training, validation and test."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lingon.core.errors import UserError

__all__ = ["CaptionSplits", "CaptionedImages"]


@dataclass(frozen=True)
class CaptionedImages:
    """Images of the same size with captions.

    pixels: uint8 [N, H, W, 3]. captions: one or more texts for each image. paths: of the files, if there are any.
    Raises UserError if the numbers differ, and for an image without a caption.
    """

    pixels: np.ndarray
    captions: list[tuple[str, ...]]
    paths: list[str] = field(default_factory=list)

    def __post_init__(self):
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 4 or len(self.pixels) != len(self.captions):
            raise UserError(
                f"pixels are {self.pixels.dtype} of shape {self.pixels.shape} for {len(self.captions):,} images, "
                "expected uint8 [N, H, W, C] for N images"
            )
        if (empty := next((i for i, some in enumerate(self.captions) if not some or not all(some)), None)) is not None:
            raise UserError(f"image {self.name(empty)} has an empty caption, or none; leave it out")

    def __len__(self) -> int:
        return len(self.captions)

    def __getitem__(self, which: slice | np.ndarray | Sequence[int]) -> "CaptionedImages":
        """Return some of the images, given by a slice or positions."""
        rows = np.arange(len(self))[which]
        paths = [self.paths[i] for i in rows] if self.paths else []
        return CaptionedImages(self.pixels[rows], [self.captions[i] for i in rows], paths)

    def name(self, row: int) -> str:
        """Return the path of an image, or its number."""
        return self.paths[row] if self.paths else str(row)

    @property
    def texts(self) -> list[str]:
        """Return all captions, those of an image together."""
        return [text for some in self.captions for text in some]


@dataclass(frozen=True)
class CaptionSplits:
    """Training, validation and test images, their name, and their source (as recorded in run.json)."""

    train: CaptionedImages
    valid: CaptionedImages
    test: CaptionedImages
    name: str
    source: dict[str, Any] = field(default_factory=dict)

    def all(self) -> CaptionedImages:
        """Return the images of all parts."""
        parts = (self.train, self.valid, self.test)
        captions = [some for part in parts for some in part.captions]
        paths = [path for part in parts for path in part.paths]
        return CaptionedImages(np.concatenate([part.pixels for part in parts]), captions, paths)
