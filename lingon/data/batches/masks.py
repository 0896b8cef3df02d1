"""Images with segmentation masks as a column, with augmentation of both."""

import zlib
from collections.abc import Callable

import numpy as np
import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor
from lingon.data.batches.images import Augment, Images, as_floats

IGNORED = 255  # the class number of pixels that are ignored


class ImagesWithMasks:
    """Images of one size and their masks, as the tensors images [B, C, H, W] from 0 to 1 and masks [B, H, W].

    pixels: uint8 [N, H, W, C]; masks: uint8 [N, H, W]; not copied. moves: an augmentation that moves whole pixels, such
    as mirroring and shifting, applied to both; pixels from outside are black and ignored. Its random numbers depend on
    the seed, the epoch and the row, as in `Images`.
    Raises UserError for masks of another size than their images.
    """

    def __init__(
        self,
        pixels: np.ndarray,
        masks: np.ndarray,
        moves: Augment | None = None,
        seed: int = 0,
    ):
        if masks.dtype != np.uint8 or masks.shape != pixels.shape[:3]:
            raise UserError(
                f"masks are {masks.dtype} of shape {masks.shape}, expected uint8 of {pixels.shape[:3]}, one a pixel"
            )
        self._images, self._masks = Images(pixels, moves, seed), torch.from_numpy(masks)
        self._moves = moves

    def __len__(self) -> int:
        return len(self._masks)

    def lengths(self) -> None:
        """Return None: all images have the same size."""

    def set_epoch(self, epoch: int) -> None:
        """Switch to the augmentations of this epoch."""
        self._images.set_epoch(epoch)

    def collate(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Return these images and their masks."""
        chosen = torch.from_numpy(rows)
        images, masks = as_floats(self._images.pixels[chosen]), self._masks[chosen].long()
        if (moves := self._moves) is not None:
            images, masks = _moved(images, masks, lambda both: moves(both, self._images.random(rows)))
        return {"images": images, "masks": masks}

    def checksum(self) -> int:
        """Return the checksum of all pixels and masks."""
        return zlib.crc32(self._masks.contiguous().numpy().data, self._images.checksum())


def _moved(
    images: Float[Tensor, "B C H W"], masks: Tensor, move: Callable[[Tensor], Tensor]
) -> tuple[Float[Tensor, "B C H W"], Tensor]:
    """Return images moved with their masks, as an extra channel of 1 + class, where 0 marks pixels from outside."""
    channel = torch.where(masks == IGNORED, 0, masks + 1).float()
    both = move(torch.cat([images, channel[:, None]], 1))
    classes = both[:, -1].round().long()
    return both[:, :-1], torch.where(classes == 0, IGNORED, classes - 1)
