"""A small convolutional image classifier, whose features are used to compare images."""

from itertools import pairwise
from typing import Any

import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.models.option_types import Classes, Whole, Width
from lingon.models.registry import ModelEntry


class FeatureNetwork(nn.Module):
    """Three convolutions with pooling, a layer of features, and one of logits.

    width: channels of the first convolution; the next two have 2 and 4 times as many. features: D.
    """

    def __init__(self, channels: Whole, classes: Classes, width: Width = 16, features: Width = 64):
        super().__init__()
        self.options = {"channels": channels, "classes": classes, "width": width, "features": features}
        sizes = (channels, width, 2 * width, 4 * width)
        self.convolutions = nn.ModuleList(
            nn.Sequential(nn.Conv2d(one, other, 3, padding=1, bias=False), nn.BatchNorm2d(other), nn.ReLU())
            for one, other in pairwise(sizes)
        )
        self.layer, self.output = nn.Linear(4 * width * 4, features), nn.Linear(features, classes)

    def features(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        """Return the (non-negative) feature vectors of images from 0 to 1."""
        x = images
        for convolution in self.convolutions[:-1]:
            x = F.max_pool2d(convolution(x), 2, ceil_mode=True)
        x = F.adaptive_avg_pool2d(self.convolutions[-1](x), 2)
        return self.layer(x.flatten(1)).relu()

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K"]:
        """Return the logits of the labels."""
        return self.output(self.features(images))

    def config(self) -> dict[str, Any]:
        """Return the options that make this model again."""
        return dict(self.options)


ENTRY = ModelEntry(FeatureNetwork)
