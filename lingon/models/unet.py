"""A U-Net for segmentation: an encoder and a decoder of convolutions with skip connections, and a class per pixel."""

from typing import Annotated, Any

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.layers.batch_norm import BatchNorm
from lingon.models.option_types import Classes, Fraction, Range
from lingon.models.registry import ModelEntry


class UNet(nn.Module):
    """Convolutions with downsampling, then upsampling, with skip connections (Ronneberger et al. 2015).

    classes: C. channels: of the images, 1 for grey or 3 for RGB. width: channels of the first level; each level below
    has twice as many and half the height and width. depth: levels below the first. dropout: of the lowest level.
    Unlike in the paper, convolutions are padded, so that the logits have the size of the image; there are batch norms
    (Ioffe and Szegedy 2015); and widths are small.
    """

    def __init__(
        self,
        classes: Classes,
        channels: Annotated[int, Range(1, 4)] = 3,
        width: Annotated[int, Range(1, 512)] = 16,
        depth: Annotated[int, Range(1, 6)] = 3,
        dropout: Fraction = 0.0,
    ):
        super().__init__()
        widths = [width << level for level in range(depth + 1)]
        self.down = nn.ModuleList(map(_convolutions, [channels, *widths], widths))
        self.up = nn.ModuleList(nn.ConvTranspose2d(wide, wide // 2, 2, stride=2) for wide in widths[:0:-1])
        self.merge = nn.ModuleList(_convolutions(2 * wide, wide) for wide in widths[-2::-1])
        self.dropout = nn.Dropout2d(dropout)
        self.output = nn.Conv2d(width, classes, 1)
        self._config = {"classes": classes, "channels": channels, "width": width, "depth": depth, "dropout": dropout}

    def config(self) -> dict[str, Any]:
        """Return the options by which `lingon.models.registry.build` makes this model again."""
        return dict(self._config)

    def forward(self, images: Float[Tensor, "B channels H W"]) -> Float[Tensor, "B C H W"]:
        """Return the logits of each pixel's class. images: from 0 to 1, of any height and width."""
        height, width = images.shape[-2:]
        step = 1 << (len(self.down) - 1)
        x = F.pad(2 * images - 1, (0, -width % step, 0, -height % step))  # so that all levels can be halved
        x = x.contiguous(memory_format=torch.channels_last)  # takes two thirds of the time on a CPU
        across = []
        for level in self.down[:-1]:
            x = level(x)
            across.append(x)
            x = F.max_pool2d(x, 2)
        x = self.dropout(self.down[-1](x))
        for up, merge in zip(self.up, self.merge, strict=True):
            x = merge(torch.cat([across.pop(), up(x)], 1))
        return self.output(x)[..., :height, :width]


def _convolutions(channels: int, width: int) -> nn.Sequential:
    """Return two 3 x 3 convolutions, each with batch norm and ReLU."""
    layers: list[nn.Module] = []
    for incoming in (channels, width):
        layers += [nn.Conv2d(incoming, width, 3, padding=1, bias=False), BatchNorm(width), nn.ReLU()]
    return nn.Sequential(*layers)


ENTRY = ModelEntry(make=UNet, defaults={"lr": 3e-3, "epochs": 20, "batch_size": 16, "weight_decay": 1e-4})
