"""An image as a grid of places, with a vector for each, computed by residual convolutions."""

import torch
from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.layers.batch_norm import BatchNorm
from lingon.layers.residual_conv import ResidualConv


class ImagePlaces(nn.Module):
    """stem of 3 x 3 -> residual convolutions, each halving height and width -> linear layer + position embedding.

    height, width: of the images, in pixels. filters: of the stem; doubled with each halving after the first. halvings:
    of the height and width, including the stem's. vector_width: D. Each place has a trained position embedding, so that
    "left" can be learned.
    """

    def __init__(self, height: int, width: int, channels: int, filters: int, halvings: int, vector_width: int):
        super().__init__()
        self.stem = nn.Conv2d(channels, filters, 3, 2, 1, bias=False)
        self.norm = BatchNorm(filters)
        blocks, wide = [ResidualConv(filters, filters)], filters
        for _ in range(halvings - 1):
            blocks.append(ResidualConv(wide, 2 * wide, 2))
            wide *= 2
        self.blocks = nn.ModuleList(blocks)
        self.out = nn.Linear(wide, vector_width)
        self.grid = tuple(-(-size // 2**halvings) for size in (height, width))
        # as large as the vectors they are added to, so that "left" is learned as fast as "frog"
        self.position = nn.Parameter(torch.randn(self.grid[0] * self.grid[1], vector_width))

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B S D"]:
        """Return the vectors of the places, row by row from the top left. images: values from 0 to 1."""
        x = torch.relu(self.norm(self.stem(2 * images - 1)))
        for block in self.blocks:
            x = block(x)
        return self.out(x.flatten(2).transpose(1, 2)) + self.position
