"""Pixels of photos as tensors and back, in a size that can be painted."""

import numpy as np
import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor
from lingon.data.files.images import resize_image

LEAST, MOST = 16, 2_048  # pixels of a side


def as_image(pixels: np.ndarray) -> Float[Tensor, "1 3 H W"]:
    """Return pixels, uint8 [H, W, 3], as numbers from 0 to 1."""
    return torch.tensor(pixels).permute(2, 0, 1)[None].contiguous().float().div_(255)


def as_pixels(image: Float[Tensor, "3 H W"]) -> np.ndarray:
    """Return numbers from 0 to 1 as pixels, uint8 [H, W, 3], rounded; what lies outside is cut off."""
    return (image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()


def within(pixels: np.ndarray, size: int, name: str) -> np.ndarray:
    """Return an image whose longer side has `size` pixels at most, its shape kept; a smaller one stays as it is.

    name: of the image, for messages. Raises UserError for a size that is not from 16 to 2,048, and where the shorter
    side would have fewer than 16 pixels.
    """
    if not LEAST <= size <= MOST:
        raise UserError(f"--size is {size}; expected {LEAST} to {MOST:,} pixels of the longer side")
    scale = min(1.0, size / max(pixels.shape[:2]))
    height, width = (round(side * scale) for side in pixels.shape[:2])
    if min(height, width) < LEAST:
        shown = "{:,} x {:,}".format(*pixels.shape[1::-1])
        now = "" if scale == 1 else f", {width:,} x {height:,} at --size {size}"
        raise UserError(
            f"{name}: {shown} pixels{now}; expected {LEAST} or more a side, so give a larger or less long one"
        )
    return resize_image(pixels, height, width)
