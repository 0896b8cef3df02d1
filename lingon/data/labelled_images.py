"""Images with labels, and their division into training, validation and test."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lingon.core.errors import UserError

__all__ = ["ImageSplits", "LabelledImages"]


@dataclass(frozen=True)
class LabelledImages:
    """Images of one size and the label of each.

    pixels: uint8 [N, H, W, C], C 1 for grey or 3 for RGB. labels: N names. paths: of their files, if they have any.
    """

    pixels: np.ndarray
    labels: list[str]
    paths: list[str] = field(default_factory=list)

    def __post_init__(self):
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 4 or len(self.pixels) != len(self.labels):
            raise UserError(
                f"pixels are {self.pixels.dtype} of shape {self.pixels.shape} for {len(self.labels):,} labels, "
                "expected uint8 [N, H, W, C] for N labels"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, which: slice | np.ndarray) -> "LabelledImages":
        """Return some of the images: a slice, or an array of indices."""
        rows = np.arange(len(self))[which]
        paths = [self.paths[i] for i in rows] if self.paths else []
        return LabelledImages(self.pixels[which], [self.labels[i] for i in rows], paths)

    def label_counts(self) -> dict[str, int]:
        """Return how many images each label has, labels in alphabetical order."""
        return dict(sorted(Counter(self.labels).items()))


@dataclass(frozen=True)
class ImageSplits:
    """Training, validation and test images, their name, and where they come from (stored in run.json)."""

    train: LabelledImages
    valid: LabelledImages
    test: LabelledImages
    name: str
    source: dict[str, Any] = field(default_factory=dict)
