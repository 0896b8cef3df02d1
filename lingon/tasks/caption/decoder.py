"""A captioner as decoding asks for it: its sources are images."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor
from lingon.data.batches.images import as_floats
from lingon.decoding.source_decoder import SourceDecoder


class ImageSource(NamedTuple):
    """An image as the source of a request: what equal images have in common is their pixels.

    data: uint8 [H, W, 3], row by row. side: H and W.
    """

    data: bytes
    side: int

    @classmethod
    def of(cls, pixels: np.ndarray) -> "ImageSource":
        """Return the source of an image, uint8 [H, W, 3] with H = W."""
        return cls(np.ascontiguousarray(pixels).tobytes(), pixels.shape[0])


def image_decoder(model: nn.Module, columns: int = 0) -> SourceDecoder:
    """Return the decoder of a `lingon.models.captioner.ImageDecoder`, whose sources are `ImageSource`s.

    It raises UserError for any other source. columns: see `SourceDecoder`.
    """
    return SourceDecoder(model, _images, columns)


def _images(sources: Sequence[Any]) -> tuple[Float[Tensor, "B 3 H W"]]:
    return (as_floats(torch.from_numpy(np.stack([_pixels(source) for source in sources]))),)


def _pixels(source: Any) -> np.ndarray:
    if not isinstance(source, ImageSource):
        raise UserError(f"a source is {str(source)[:40]!r}, expected an ImageSource")
    return np.frombuffer(source.data, np.uint8).reshape(source.side, source.side, 3).copy()
