"""Sinusoidal position embeddings, which need no training and have no maximum length."""

import math

import torch

from lingon.core.shapes import Float, Tensor


def sinusoidal(length: int, width: int) -> Float[Tensor, "T D"]:
    """Return a vector for each position, with sines in even dimensions and cosines in odd ones.

    Wavelengths go from 2 pi to 10000 * 2 pi. Source: Vaswani et al. 2017, section 3.5.
    """
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    angles = torch.arange(length)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], 2).flatten(1)[:, :width]
