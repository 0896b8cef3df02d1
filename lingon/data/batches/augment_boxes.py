"""Augmentation of images together with their boxes."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F

from lingon.core.shapes import Float, Tensor
from lingon.data.batches.image_boxes import BoxAugment

GREY = 0.5  # value of pixels from outside an image
Pair = tuple[Float[Tensor, "B C H W"], Float[Tensor, "B M 4"]]


class FlipBoxes:
    """Mirrors each image and its boxes with probability 1/2, left to right, or with `upside_down` top to bottom."""

    uniforms = 1

    def __init__(self, upside_down: bool = False):
        self.axis = 1 if upside_down else 0

    def __call__(
        self, images: Float[Tensor, "B C H W"], boxes: Float[Tensor, "B M 4"], random: Float[Tensor, "B 1"]
    ) -> Pair:
        """Return images and boxes, mirrored where the random number is below 1/2."""
        chosen, axis = random[:, 0] < 0.5, self.axis
        size = images.shape[-1 - axis]
        flipped = boxes.clone()
        flipped[..., axis], flipped[..., axis + 2] = size - boxes[..., axis + 2], size - boxes[..., axis]
        flipped = torch.where((boxes[..., 2:] > boxes[..., :2]).all(-1, keepdim=True), flipped, boxes)  # not padding
        images = torch.where(chosen[:, None, None, None], images.flip(-1 - axis), images)
        return images, torch.where(chosen[:, None, None], flipped, boxes)


class ZoomAndShift:
    """Scales and shifts each image at random; pixels from outside are grey.

    zoom: the scale is from 1 / zoom to zoom. shift: maximum fraction of the sides, in either direction. A box of which
    less than the fraction `seen` remains in the image is removed; the others are clipped.
    """

    uniforms = 3

    def __init__(self, zoom: float = 1.4, shift: float = 0.2, seen: float = 0.3):
        self.zoom, self.shift, self.seen = zoom, shift, seen

    def __call__(
        self, images: Float[Tensor, "B C H W"], boxes: Float[Tensor, "B M 4"], random: Float[Tensor, "B 3"]
    ) -> Pair:
        """Return images and boxes; the three random numbers give the scale and the shifts right and down."""
        height, width = images.shape[-2:]
        scale = ((random[:, :1] * 2 - 1) * math.log(self.zoom)).exp()  # [B, 1]
        size = torch.tensor([width, height], dtype=boxes.dtype)
        moved = (random[:, 1:] * 2 - 1) * self.shift * size
        return _warped(images, scale, moved), self._boxes(boxes, scale, moved, size)

    def _boxes(
        self, boxes: Float[Tensor, "B M 4"], scale: Float[Tensor, "B 1"], moved: Float[Tensor, "B 2"], size: Tensor
    ) -> Float[Tensor, "B M 4"]:
        middle = size / 2
        to = (boxes.unflatten(-1, (2, 2)) - middle) * scale[:, None, None] + middle + moved[:, None, None]
        cut = to.clamp(min=0).minimum(size)
        area = lambda corners: (corners[..., 1, :] - corners[..., 0, :]).prod(-1)
        kept = (area(cut) >= self.seen * area(to)) & (area(cut) > 0)
        return torch.where(kept[..., None], cut.flatten(-2), 0.0)


def _warped(images: Tensor, scale: Float[Tensor, "B 1"], moved: Float[Tensor, "B 2"]) -> Tensor:
    """Return images whose pixel p is that at (p - middle - moved) / scale + middle of the original."""
    height, width = images.shape[-2:]
    half = torch.tensor([width, height], dtype=images.dtype) / 2
    rows = images.new_zeros(len(images), 2, 3)
    rows[:, 0, 0] = rows[:, 1, 1] = 1 / scale[:, 0]
    rows[:, :, 2] = -moved / half / scale
    grid = F.affine_grid(rows, list(images.shape), align_corners=False)
    return F.grid_sample(images - GREY, grid, padding_mode="zeros", align_corners=False) + GREY


class Lighting:
    """Changes brightness, contrast and the weight of each colour by up to `most`; boxes are unchanged."""

    uniforms = 5

    def __init__(self, most: float = 0.2):
        self.most = most

    def __call__(
        self, images: Float[Tensor, "B C H W"], boxes: Float[Tensor, "B M 4"], random: Float[Tensor, "B 5"]
    ) -> Pair:
        """Return images and boxes; the random numbers are for brightness, contrast and three colours."""
        by = (random * 2 - 1) * self.most
        mean = images.mean((1, 2, 3), keepdim=True)
        images = (images - mean) * (1 + by[:, 1])[:, None, None, None] + mean + by[:, 0, None, None, None]
        return (images * (1 + by[:, 2:] / 2)[:, : images.shape[1], None, None]).clamp(0, 1), boxes


class BoxAugments:
    """Several augmentations in sequence, each with its own random numbers."""

    def __init__(self, parts: Sequence[BoxAugment]):
        self.parts, self.uniforms = list(parts), sum(part.uniforms for part in parts)

    def __call__(
        self, images: Float[Tensor, "B C H W"], boxes: Float[Tensor, "B M 4"], random: Float[Tensor, "B K"]
    ) -> Pair:
        """Return images and boxes after all augmentations."""
        start = 0
        for part in self.parts:
            images, boxes = part(images, boxes, random[:, start : start + part.uniforms])
            start += part.uniforms
        return images, boxes
