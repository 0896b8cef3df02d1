"""Images with a class for every pixel, and their division into training, validation and test."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lingon.core.errors import UserError

__all__ = ["IGNORED_PIXEL", "MaskedImages", "MaskedSplits"]

IGNORED_PIXEL = 255  # the class index of pixels that are ignored in loss and metrics


@dataclass(frozen=True)
class MaskedImages:
    """Images of one size, and the class of each of their pixels.

    pixels: uint8 [N, H, W, 3]. masks: uint8 [N, H, W], class indices, 255 for pixels that are ignored.
    classes: C names, at most 255. paths: of the images, if they have any.
    """

    pixels: np.ndarray
    masks: np.ndarray
    classes: list[str]
    paths: list[str] = field(default_factory=list)

    def __post_init__(self):
        if self.masks.dtype != np.uint8 or self.pixels.dtype != np.uint8 or self.pixels.shape[:-1] != self.masks.shape:
            raise UserError(
                f"pixels are {self.pixels.dtype} of shape {self.pixels.shape}, masks {self.masks.dtype} of shape "
                f"{self.masks.shape}; expected uint8 [N, H, W, 3] and uint8 [N, H, W]"
            )

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, which: slice | np.ndarray) -> "MaskedImages":
        """Return some of the images: a slice, or an array of indices."""
        rows = np.arange(len(self))[which]
        paths = [self.paths[i] for i in rows] if self.paths else []
        return MaskedImages(self.pixels[rows], self.masks[rows], self.classes, paths)

    def counts(self) -> np.ndarray:
        """Return how many pixels each class has, [C]."""
        return np.bincount(self.masks.ravel(), minlength=IGNORED_PIXEL + 1)[: len(self.classes)]


@dataclass(frozen=True)
class MaskedSplits:
    """Training, validation and test images, their name, and where they come from (stored in run.json)."""

    train: MaskedImages
    valid: MaskedImages
    test: MaskedImages
    name: str
    source: dict[str, Any] = field(default_factory=dict)
