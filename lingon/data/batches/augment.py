"""Augmentation of images: parts that are put together, each a function of images and random numbers."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F

from lingon.core.shapes import Bool, Float, Tensor
from lingon.data.batches.images import Augment


class RandomFlip:
    """Mirror every second image, left to right."""

    uniforms = 1

    def __call__(self, images: Float[Tensor, "B C H W"], random: Float[Tensor, "B 1"]) -> Float[Tensor, "B C H W"]:
        """Return the images, those mirrored whose number is under one half."""
        return torch.where((random[:, 0] < 0.5)[:, None, None, None], images.flip(-1), images)


class RandomShift:
    """Move each image by up to `most` pixels in each direction; what comes in from outside is `fill`."""

    uniforms = 2

    def __init__(self, most: int, fill: float = 0.0):
        self.most, self.fill = most, fill

    def __call__(self, images: Float[Tensor, "B C H W"], random: Float[Tensor, "B 2"]) -> Float[Tensor, "B C H W"]:
        """Return the images moved; the two numbers say how far down and how far right."""
        _, _, height, width = images.shape
        padded = F.pad(images, [self.most] * 4, value=self.fill)
        start = (random * (2 * self.most + 1)).long().clamp_(max=2 * self.most)
        rows = (start[:, :1] + torch.arange(height))[:, None, :, None]
        columns = (start[:, 1:] + torch.arange(width))[:, None, None, :]
        return padded[torch.arange(len(images))[:, None, None, None], torch.arange(images.shape[1])[:, None, None],
                      rows, columns]  # fmt: skip


class Augments:
    """Several in a row, each with random numbers of its own."""

    def __init__(self, parts: Sequence[Augment]):
        self.parts, self.uniforms = list(parts), sum(part.uniforms for part in parts)

    def __call__(self, images: Float[Tensor, "B C H W"], random: Float[Tensor, "B K"]) -> Float[Tensor, "B C H W"]:
        """Return the images after all of them."""
        start = 0
        for part in self.parts:
            images = part(images, random[:, start : start + part.uniforms])
            start += part.uniforms
        return images


class RandomErase:
    """Erase a rectangle of every second image, so that no part of it alone is relied on.

    Source: Zhong et al. 2017, "Random Erasing Data Augmentation". Its area is 2 to 33 % of the image, its height 0.3 to
    3.3 times its width; what is erased becomes `fill`.
    """

    uniforms = 5
    areas, ratios = (0.02, 0.33), (0.3, 3.3)

    def __init__(self, fill: float = 0.0):
        self.fill = fill

    def __call__(self, images: Float[Tensor, "B C H W"], random: Float[Tensor, "B 5"]) -> Float[Tensor, "B C H W"]:
        """Return the images, those with a rectangle erased whose first number is under one half."""
        _, _, height, width = images.shape
        chosen, area, ratio, down, right = random.T
        low, high = (math.log(ratio) for ratio in self.ratios)
        part, tall = self.areas[0] + area * (self.areas[1] - self.areas[0]), (low + ratio * (high - low)).exp()
        sides = (part * tall).sqrt().clamp(max=1) * height, (part / tall).sqrt().clamp(max=1) * width
        rows, columns = _inside(down, sides[0], height), _inside(right, sides[1], width)
        erased = rows[:, :, None] & columns[:, None, :] & (chosen < 0.5)[:, None, None]
        return torch.where(erased[:, None], images.new_tensor(self.fill), images)


def _inside(number: Float[Tensor, " B"], side: Float[Tensor, " B"], total: int) -> Bool[Tensor, "B total"]:
    """Which of `total` places are inside of a stretch of length `side`, whose start follows from a number."""
    side = side.round()
    start = (number * (total - side + 1)).floor().clamp(max=total - 1)[:, None]
    places = torch.arange(total)
    return (places >= start) & (places < start + side[:, None])
