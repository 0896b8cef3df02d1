"""Captioned images as the columns of batches: each caption is a row, beside its image."""

import zlib
from collections.abc import Sequence

import numpy as np

from lingon.core.shapes import Tensor
from lingon.data.batches import Images


class ImagesOfCaptions:
    """The image of each caption; an image with several captions is in memory once. owners: the image of each row."""

    def __init__(self, images: Images, owners: Sequence[int]):
        self.images, self.owners = images, np.asarray(owners, np.int64)

    def __len__(self) -> int:
        return len(self.owners)

    def lengths(self) -> None:
        """Return None: all images have one size."""

    def set_epoch(self, epoch: int) -> None:
        """Vary the images as this epoch has them."""
        self.images.set_epoch(epoch)

    def collate(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Return the images of these captions."""
        return self.images.collate(self.owners[rows])

    def checksum(self) -> int:
        """Return the checksum of all pixels, and of which caption has which."""
        return zlib.crc32(self.owners.data, self.images.checksum())
