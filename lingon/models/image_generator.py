"""What all generators of images have in common: the protocol by which they are trained and asked for images."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Protocol

import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Int, Tensor

MULTIPLE = 4  # images are halved twice inside, so their sides become a multiple of it


class Draw(NamedTuple):
    """Random numbers that each image takes in a step of the training: their shape, and "normal" or "uniform"."""

    shape: tuple[int, ...]
    distribution: Any = "normal"


class ImageGenerator(Protocol):
    """A model that makes images of a label from latents, which are standard normal.

    image_shape: C, H and W. classes: labels it knows, by number. latent_shape: of the latents of one image; None where
    there is no way from a latent to an image. sampling: the options of `sample`, with their defaults. draws: what
    `forward` takes of random numbers.
    """

    image_shape: tuple[int, int, int]
    classes: int
    latent_shape: tuple[int, ...] | None
    sampling: ClassVar[Mapping[str, float]]

    @property
    def draws(self) -> Mapping[str, Draw]: ...

    def forward(
        self, images: Float[Tensor, "B C H W"], labels: Int[Tensor, " B"], **draws: Tensor
    ) -> dict[str, Float[Tensor, " B"]]:
        """Return the losses of images from 0 to 1, by name; the first is the one that is trained on."""
        ...

    def sample(
        self, latents: Float[Tensor, "B *latent"], labels: Float[Tensor, "B K"], **sampling: float
    ) -> Float[Tensor, "B C H W"]:
        """Return images from 0 to 1. labels: how much of each label, 1 in all; between labels are mixtures."""
        ...


def padded_side(side: int) -> int:
    """Return the smallest multiple of 4 that is no smaller.

    >>> padded_side(28), padded_side(29)
    (28, 32)
    """
    return -(-side // MULTIPLE) * MULTIPLE


def pad_images(images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H2 W2"]:
    """Return images with their last row and column repeated, so that their sides are multiples of 4."""
    height, width = images.shape[-2:]
    return F.pad(images, (0, padded_side(width) - width, 0, padded_side(height) - height), mode="replicate")


def group_norm(channels: int) -> nn.GroupNorm:
    """Return a normalisation of up to 8 groups of channels of each image by itself (Wu and He 2018)."""
    return nn.GroupNorm(math.gcd(8, channels), channels)
