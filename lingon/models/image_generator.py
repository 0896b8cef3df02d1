"""The interface of image generators, for training and sampling."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Protocol

import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Int, Tensor

MULTIPLE = 4  # images are halved twice inside, so their sides are padded to a multiple of it


class Draw(NamedTuple):
    """Random numbers for each image in a training step: their shape, and "normal" or "uniform"."""

    shape: tuple[int, ...]
    distribution: Any = "normal"


class ImageGenerator(Protocol):
    """A model that generates images of a label from standard normal latents.

    image_shape: C, H and W. classes: number of labels. latent_shape: of the latents of one image; None if images are
    not a function of latents. sampling: the options of `sample`, with their defaults. draws: the random numbers that
    `forward` needs.
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
        """Return the losses of images from 0 to 1, by name; the first is minimized."""
        ...

    def sample(
        self, latents: Float[Tensor, "B *latent"], labels: Float[Tensor, "B K"], **sampling: float
    ) -> Float[Tensor, "B C H W"]:
        """Return images from 0 to 1. labels: weights of the labels, which sum to 1; they may be mixtures."""
        ...


def padded_side(side: int) -> int:
    """Return a side rounded up to a multiple of 4.

    >>> padded_side(28), padded_side(29)
    (28, 32)
    """
    return -(-side // MULTIPLE) * MULTIPLE


def pad_images(images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H2 W2"]:
    """Return images padded to multiples of 4 by repeating their last row and column."""
    height, width = images.shape[-2:]
    return F.pad(images, (0, padded_side(width) - width, 0, padded_side(height) - height), mode="replicate")


def group_norm(channels: int) -> nn.GroupNorm:
    """Return a group norm with up to 8 groups of channels (Wu and He 2018)."""
    return nn.GroupNorm(math.gcd(8, channels), channels)
