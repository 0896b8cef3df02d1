"""Image augmentation: composable functions of images and random numbers."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F

from lingon.core.shapes import Bool, Float, Tensor
from lingon.data.batches.images import Augment


class RandomFlip:
    """Mirrors each image left to right with probability 1/2."""

    uniforms = 1

    def __call__(self, images: Float[Tensor, "B C H W"], random: Float[Tensor, "B 1"]) -> Float[Tensor, "B C H W"]:
        """Return the images, mirrored where the random number is below 1/2."""
        return torch.where((random[:, 0] < 0.5)[:, None, None, None], images.flip(-1), images)


class RandomShift:
    """Shifts each image by up to `most` pixels in each direction; uncovered pixels become `fill`."""

    uniforms = 2

    def __init__(self, most: int, fill: float = 0.0):
        self.most, self.fill = most, fill

    def __call__(self, images: Float[Tensor, "B C H W"], random: Float[Tensor, "B 2"]) -> Float[Tensor, "B C H W"]:
        """Return the images shifted down and right by the two random numbers."""
        _, _, height, width = images.shape
        padded = F.pad(images, [self.most] * 4, value=self.fill)
        start = (random * (2 * self.most + 1)).long().clamp_(max=2 * self.most)
        rows = (start[:, :1] + torch.arange(height))[:, None, :, None]
        columns = (start[:, 1:] + torch.arange(width))[:, None, None, :]
        return padded[torch.arange(len(images))[:, None, None, None], torch.arange(images.shape[1])[:, None, None],
                      rows, columns]  # fmt: skip


class Augments:
    """Several augmentations in sequence, each with its own random numbers."""

    def __init__(self, parts: Sequence[Augment]):
        self.parts, self.uniforms = list(parts), sum(part.uniforms for part in parts)

    def __call__(self, images: Float[Tensor, "B C H W"], random: Float[Tensor, "B K"]) -> Float[Tensor, "B C H W"]:
        """Return the images after all augmentations."""
        start = 0
        for part in self.parts:
            images = part(images, random[:, start : start + part.uniforms])
            start += part.uniforms
        return images


class RandomErase:
    """Erases a rectangle of each image with probability 1/2, so that the model does not rely on a single part.

    Source: Zhong et al. 2017, "Random Erasing Data Augmentation". The area is 2 to 33 % of the image, the height 0.3 to
    3.3 times the width; erased pixels become `fill`.
    """

    uniforms = 5
    areas, ratios = (0.02, 0.33), (0.3, 3.3)

    def __init__(self, fill: float = 0.0):
        self.fill = fill

    def __call__(self, images: Float[Tensor, "B C H W"], random: Float[Tensor, "B 5"]) -> Float[Tensor, "B C H W"]:
        """Return the images, with a rectangle erased where the first random number is below 1/2."""
        _, _, height, width = images.shape
        chosen, area, ratio, down, right = random.T
        low, high = (math.log(ratio) for ratio in self.ratios)
        part, tall = self.areas[0] + area * (self.areas[1] - self.areas[0]), (low + ratio * (high - low)).exp()
        sides = (part * tall).sqrt().clamp(max=1) * height, (part / tall).sqrt().clamp(max=1) * width
        rows, columns = _inside(down, sides[0], height), _inside(right, sides[1], width)
        erased = rows[:, :, None] & columns[:, None, :] & (chosen < 0.5)[:, None, None]
        return torch.where(erased[:, None], images.new_tensor(self.fill), images)


def _inside(number: Float[Tensor, " B"], side: Float[Tensor, " B"], total: int) -> Bool[Tensor, "B total"]:
    """Return which of `total` positions are in an interval of length `side`, whose start depends on a random number."""
    side = side.round()
    start = (number * (total - side + 1)).floor().clamp(max=total - 1)[:, None]
    places = torch.arange(total)
    return (places >= start) & (places < start + side[:, None])
