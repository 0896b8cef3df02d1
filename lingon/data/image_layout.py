"""Size and channels of the images that a model reads, and how other images are converted to them."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from lingon.core.errors import UserError
from lingon.data.files.images import Fit, fit_image, pillow, read_image

FITS = get_args(Fit)
CHANNELS: dict[int, Literal["L", "RGB"]] = {1: "L", 3: "RGB"}


@dataclass(frozen=True)
class ImageLayout:
    """Height and width of an image in pixels, its channels (1 grey, 3 RGB), and how other shapes are fitted to it."""

    height: int
    width: int
    channels: int
    fit: Fit = "crop"

    def read(self, source: Any, name: str | None = None) -> np.ndarray:
        """Return an image as uint8 [H, W, C] of this layout.

        source: the path of a file, its bytes, or an array uint8 [h, w], [h, w, 1] or [h, w, 3]. name: for messages.
        Raises DataError for a file that is not an image, UserError for an array of another type or shape.
        """
        if isinstance(source, Path | str | bytes):
            return fit_image(read_image(source, CHANNELS[self.channels], name), self.height, self.width, self.fit)
        return self.of(np.asarray(source))

    def of(self, pixels: np.ndarray) -> np.ndarray:
        """Return the pixels of an image in this layout; see `read`."""
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[-1] not in CHANNELS or not pixels.size:
            raise UserError(f"an image is {pixels.dtype} of shape {pixels.shape}, expected uint8 [H, W, 1 or 3]")
        return fit_image(in_channels(pixels, self.channels), self.height, self.width, self.fit)

    def config(self) -> dict[str, Any]:
        """Return all fields by name, as JSON can store them."""
        return asdict(self)


def layout_of(pixels: np.ndarray, fit: Fit = "crop") -> ImageLayout:
    """Return the layout of pixels [N, H, W, C]."""
    _, height, width, channels = pixels.shape
    return ImageLayout(height, width, channels, fit)


def in_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Return an image [H, W, C] in grey (1) or RGB (3); grey is the luma of ITU-R 601, as Pillow computes it."""
    if pixels.shape[-1] == channels:
        return pixels
    if channels == 3:
        return np.repeat(pixels, 3, -1)
    return np.asarray(pillow().fromarray(pixels).convert("L"), np.uint8)[..., None]
