"""Images with boxes as a column, with augmentation of both."""

import zlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor
from lingon.data.batches.images import Images


class BoxAugment(Protocol):
    """An augmentation of images and their boxes. uniforms: number of random numbers per image."""

    uniforms: int

    def __call__(
        self, images: Float[Tensor, "B C H W"], boxes: Float[Tensor, "B M 4"], random: Float[Tensor, "B uniforms"]
    ) -> tuple[Float[Tensor, "B C H W"], Float[Tensor, "B M 4"]]:
        """Return images and boxes transformed by random numbers from 0 to 1; a removed box has no area."""
        ...


class ImagesWithBoxes:
    """Images of one size with boxes: `images` [B, C, H, W], `boxes` [B, M, 4] in pixels, `labels` [B, M].

    pixels: uint8 [N, H, W, C]. boxes: of each image [n, 4]. labels: class numbers of the boxes. Padding is a box of
    zeros with the label -1. augment: for training images; see `lingon.data.batches.images.Images`.
    """

    def __init__(
        self,
        pixels: np.ndarray,
        boxes: Sequence[np.ndarray],
        labels: Sequence[Sequence[int]],
        augment: BoxAugment | None = None,
        seed: int = 0,
    ):
        if not len(pixels) == len(boxes) == len(labels):
            raise UserError(f"{len(pixels):,} images with {len(boxes):,} lists of boxes and {len(labels):,} of labels")
        self.augment, self.boxes, self.labels = augment, boxes, labels
        self._images = Images(pixels, augment, seed)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self._images)

    def lengths(self) -> None:
        """Return None: all images have one size."""

    def set_epoch(self, epoch: int) -> None:
        """Switch to the augmentations of this epoch."""
        self._images.set_epoch(epoch)

    def collate(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Return these images with their boxes."""
        most = max(1, *(len(self.boxes[i]) for i in rows))
        boxes, labels = np.zeros((len(rows), most, 4), np.float32), np.full((len(rows), most), -1, np.int64)
        for at, row in enumerate(rows):
            boxes[at, : len(self.boxes[row])] = self.boxes[row]
            labels[at, : len(self.labels[row])] = self.labels[row]
        images, changed = self._images.plain(rows), torch.from_numpy(boxes)
        if self.augment:
            images, changed = self.augment(images, changed, self._images.random(rows))
        return {"images": images, "boxes": changed, "labels": torch.from_numpy(labels)}

    def checksum(self) -> int:
        """Return the checksum of all pixels, boxes and labels."""
        found = self._images.checksum()
        for boxes, labels in zip(self.boxes, self.labels, strict=True):
            found = zlib.crc32(np.asarray(labels, np.int64).tobytes(), zlib.crc32(boxes.tobytes(), found))
        return found
