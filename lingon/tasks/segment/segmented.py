"""What a segmenter says of an image: a class for each of its pixels, and how that is written and drawn."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.terminal import printable
from lingon.data.files.images import read_image
from lingon.data.files.masks import save_mask

SHOWN = 0.0005  # the least share of the pixels of a class that a line names


@dataclass(frozen=True, eq=False)
class Segmented:
    """An image with the class of each of its pixels.

    image: its path, or a name. mask: uint8 [H, W], of the size of the image. classes: the names of all classes.
    source: the path of the image, or its pixels.
    """

    image: str
    mask: np.ndarray
    classes: list[str]
    source: Any = field(repr=False, default=None)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Segmented):
            return NotImplemented
        same = (self.image, self.classes) == (other.image, other.classes)
        return same and np.array_equal(self.mask, other.mask)

    __hash__ = None  # type: ignore[assignment]  # as arrays have none

    @property
    def shares(self) -> dict[str, float]:
        """The share of the pixels of each class."""
        counts = np.bincount(self.mask.ravel(), minlength=len(self.classes))
        return {name: float(n / self.mask.size) for name, n in zip(self.classes, counts, strict=True)}

    @property
    def pixels(self) -> np.ndarray:
        """The pixels of the image, uint8 [H, W, 3]."""
        return self.source if isinstance(self.source, np.ndarray) else read_image(self.source)

    def row(self) -> dict[str, Any]:
        """Return the image and the share of the pixels of each class."""
        return {"image": self.image, "shares": {name: round(share, 4) for name, share in self.shares.items()}}

    def __str__(self) -> str:
        most = sorted(self.shares.items(), key=lambda item: -item[1])
        said = ", ".join(f"{printable(name)} {share:.1%}" for name, share in most if share >= SHOWN)
        return f"{printable(self.image)}: {said}"

    def save(self, path: Path) -> Path:
        """Write the mask as a png with a palette, whose indices are the class numbers."""
        return save_mask(path, self.mask, len(self.classes))
