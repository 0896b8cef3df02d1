"""Images as a column: 8-bit pixels become floats from 0 to 1, optionally augmented differently in each epoch."""

import zlib
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor
from lingon.data.batches.row_random import row_generators


@runtime_checkable
class Augment(Protocol):
    """An augmentation of images that preserves their content. uniforms: number of random numbers per image."""

    uniforms: int

    def __call__(
        self, images: Float[Tensor, "B C H W"], random: Float[Tensor, "B uniforms"]
    ) -> Float[Tensor, "B C H W"]:
        """Return the images transformed by random numbers from 0 to 1."""
        ...


class Images:
    """Images of one size, as the tensor `name` [B, C, H, W], float32 from 0 to 1.

    pixels: uint8 [N, H, W, C], not copied. augment: for training images; its random numbers depend only on the seed,
    the epoch and the row, so that they are the same in any batch, in any process, and when resumed.
    Raises UserError for pixels of another type or shape.
    """

    def __init__(self, pixels: np.ndarray, augment: Augment | None = None, seed: int = 0, name: str = "images"):
        if pixels.dtype != np.uint8 or pixels.ndim != 4:
            raise UserError(f"pixels are {pixels.dtype} of shape {pixels.shape}, expected uint8 [N, H, W, C]")
        self.pixels, self.augment, self.seed, self.name = torch.from_numpy(pixels), augment, seed, name
        self._epoch = 0

    def __len__(self) -> int:
        return len(self.pixels)

    def lengths(self) -> None:
        """Return None: all images have the same size."""

    def set_epoch(self, epoch: int) -> None:
        """Switch to the augmentations of this epoch."""
        self._epoch = epoch

    def collate(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Return these images."""
        images = self.plain(rows)
        return {self.name: self.augment(images, self.random(rows)) if self.augment else images}

    def plain(self, rows: np.ndarray) -> Float[Tensor, "B C H W"]:
        """Return these images without augmentation."""
        return as_floats(self.pixels[torch.from_numpy(rows)])

    def random(self, rows: np.ndarray) -> Float[Tensor, "B uniforms"]:
        """Return the random numbers from 0 to 1 of these rows in this epoch."""
        assert self.augment is not None
        found = np.empty((len(rows), self.augment.uniforms), np.float32)
        for i, generator in enumerate(row_generators(self.seed, "augment", self._epoch, rows)):
            found[i] = generator.random(self.augment.uniforms, np.float32)
        return torch.from_numpy(found)

    def checksum(self) -> int:
        """Return the checksum of all pixels."""
        return zlib.crc32(self.pixels.contiguous().numpy().data)


def as_floats(pixels: Tensor) -> Float[Tensor, "B C H W"]:
    """Return pixels uint8 [B, H, W, C] as numbers from 0 to 1 [B, C, H, W]."""
    return pixels.permute(0, 3, 1, 2).contiguous().float().div_(255)
