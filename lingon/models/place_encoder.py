"""A small residual network that computes a vector for each place of an image, with position embeddings."""

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor
from lingon.layers.batch_norm import BatchNorm
from lingon.layers.residual_conv import ResidualConv

POOLED = 4  # rows and columns of places to which features for comparison are pooled
STRIDE = 8  # pixels from one place to the next


class PlaceEncoder(nn.Module):
    """Convolutions and pooling, with residual blocks between them (He et al. 2016): one vector for 8 x 8 pixels.

    image_size: height and width in pixels. width: of the vectors. Trained embeddings of the row and the column are
    added to each place, because convolutions alone encode a position only by its distance from the border.
    Raises UserError for a size or a width that is not divisible by 8.
    """

    def __init__(self, image_size: int, width: int, filters: int = 32):
        super().__init__()
        for name, value in (("image_size", image_size), ("width", width), ("filters", filters)):
            if value % STRIDE:
                raise UserError(f"{name} is {value}, expected a number that can be divided by {STRIDE}")
        self.image_size, self.side = image_size, image_size // STRIDE
        self.layers = nn.Sequential(
            _half(3, filters),
            _half(filters, 2 * filters),
            ResidualConv(2 * filters, 2 * filters),
            _half(2 * filters, 4 * filters),
            ResidualConv(4 * filters, 4 * filters),
            nn.Conv2d(4 * filters, width, 1),
        )
        # as large as the vectors they are added to: with a tenth, it is not learned which of two objects is on the left
        self.rows = nn.Parameter(torch.randn(self.side, width))
        self.columns = nn.Parameter(torch.randn(self.side, width))

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B S D"]:
        """Return the vectors of the S = (H / 8) (W / 8) places, row by row. images: from 0 to 1.

        Raises UserError for images of another size.
        """
        if images.shape[1:] != (3, self.image_size, self.image_size):
            size = f"{self.image_size} x {self.image_size} with 3 channels"
            raise UserError(f"images are of shape {list(images.shape)}, the model reads {size}")
        x = images.to(memory_format=torch.channels_last)
        grid = self.layers(2 * x - 1).permute(0, 2, 3, 1)
        return (grid + self.rows[:, None] + self.columns).flatten(1, 2)

    def features(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B F"]:
        """Return one vector for each image, for comparing images: the places pooled to 4 x 4, concatenated."""
        grid = self.layers[:-1](2 * images.to(memory_format=torch.channels_last) - 1)
        return F.adaptive_avg_pool2d(grid, min(POOLED, self.side)).flatten(1)


def _half(before: int, after: int) -> nn.Sequential:
    """Return a convolution with 2 x 2 max pooling."""
    conv = nn.Conv2d(before, after, 3, padding=1, bias=False)
    return nn.Sequential(conv, nn.MaxPool2d(2), BatchNorm(after), nn.ReLU())
