"""A small residual network for image classification."""

from typing import Annotated, Any

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.layers.batch_norm import BatchNorm
from lingon.layers.residual_conv import ResidualConv
from lingon.models.option_types import Classes, Depth, Range
from lingon.models.registry import ModelEntry

Channels = Annotated[int, Range(1, 4)]
Stages = Annotated[int, Range(1, 6)]
Filters = Annotated[int, Range(1, 512)]


class ResNet(nn.Module):
    """A convolution, pooling, and stages of residual blocks, each with twice the filters and half the side.

    Source: He, Zhang, Ren and Sun 2016, "Deep Residual Learning for Image Recognition", section 3; the first pooling is
    from table 1, the blocks of two convolutions of 3 x 3 from figure 5, left. width: filters of the first convolution;
    stage i has width * 2^i. depth: blocks per stage. The linear layer reads the mean over all positions, so that images
    may have any size.
    """

    def __init__(
        self, classes: Classes, channels: Channels = 1, width: Filters = 32, stages: Stages = 2, depth: Depth = 1
    ):
        super().__init__()
        self.sizes = {"classes": classes, "channels": channels, "width": width, "stages": stages, "depth": depth}
        self.stem = nn.Sequential(nn.Conv2d(channels, width, 3, padding=1, bias=False), BatchNorm(width))
        blocks, read = [], width
        for stage in range(1, stages + 1):
            for i in range(depth):
                blocks.append(ResidualConv(read, width * 2**stage, 2 if stage > 1 and i == 0 else 1))
                read = width * 2**stage
        self.blocks = nn.Sequential(*blocks)
        self.out = nn.Linear(read, classes)
        of_images: Any = self  # torch's type annotations of modules lack memory_format
        of_images.to(memory_format=torch.channels_last)  # the layout that oneDNN uses without conversions

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B classes"]:
        return self.head(self.features(images))

    def features(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        """Return the feature maps of the last block. images: from 0 to 1."""
        x = images.contiguous(memory_format=torch.channels_last)
        return self.blocks(F.max_pool2d(F.relu(self.stem(x)), 2, ceil_mode=True))

    def head(self, maps: Float[Tensor, "B D h w"]) -> Float[Tensor, "B classes"]:
        """Return the logits from the feature maps of images."""
        return self.out(maps.mean((2, 3)))

    def config(self) -> dict:
        return self.sizes


# Chosen on the validation images of fashion-mnist; see docs/log.md for what was tried.
ENTRY = ModelEntry(ResNet, defaults={"batch_size": 128, "epochs": 15, "lr": 5e-3, "weight_decay": 0.05})
