"""The mask of an image of any size, from the logits of a smaller one."""

import numpy as np
import torch
import torch.nn.functional as F

from lingon.core.shapes import Float, Tensor, UInt8

LARGEST_SIDE = 1_024  # pixels, up to which logits are interpolated; from there on pixels are repeated


def enlarged_mask(logits: Float[Tensor, "C h w"], height: int, width: int) -> UInt8[np.ndarray, "height width"]:
    """Return the likeliest class of each pixel of an image of this size; logits are interpolated bilinearly.

    One class at a time, so that many classes of a large image take no more memory than two of it.
    """
    scale = min(1.0, LARGEST_SIDE / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    best, mask = torch.full(size, -torch.inf), torch.zeros(size, dtype=torch.uint8)
    for number, plane in enumerate(logits.cpu()):
        values = F.interpolate(plane[None, None], size, mode="bilinear", align_corners=False)[0, 0]
        better = values > best
        best[better], mask[better] = values[better], number
    rows, columns = (torch.arange(n) * m // n for n, m in zip((height, width), size, strict=True))
    return mask[rows[:, None], columns].numpy()
