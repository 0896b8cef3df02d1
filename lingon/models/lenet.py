"""LeNet-5: two convolutions with pooling, and three linear layers."""

from typing import Annotated

import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.models.option_types import Classes, Range
from lingon.models.registry import ModelEntry

Side = Annotated[int, Range(12, 1024)]  # below 12 pixels nothing is left after the second pooling
Channels = Annotated[int, Range(1, 4)]
KERNEL, PADDING = 5, 2


class LeNet(nn.Module):
    """Convolutions of 6 and 16 filters of 5 x 5, each with pooling, then linear layers of 120, 84 and the classes.

    Source: LeCun, Bottou, Bengio and Haffner 1998, "Gradient-Based Learning Applied to Document Recognition", section
    II.B. As is usual today, it has ReLU and max pooling in place of sigmoids and trained average pooling, a softmax in
    place of radial basis units, and each filter of the second convolution reads all maps of the first.
    image_height, image_width: in pixels; the linear layers need a fixed size.
    """

    def __init__(self, classes: Classes, image_height: Side = 28, image_width: Side = 28, channels: Channels = 1):
        super().__init__()
        self.sizes = {"classes": classes, "image_height": image_height, "image_width": image_width}
        self.sizes |= {"channels": channels}
        self.first = nn.Conv2d(channels, 6, KERNEL, padding=PADDING)
        self.second = nn.Conv2d(6, 16, KERNEL)
        left = [(side // 2 - KERNEL + 1) // 2 for side in (image_height, image_width)]
        self.hidden = nn.Sequential(nn.Linear(16 * left[0] * left[1], 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU())
        self.out = nn.Linear(84, classes)

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B classes"]:
        return self.head(self.features(images))

    def features(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 16 h w"]:
        """Return the feature maps of the second convolution. images: from 0 to 1."""
        return F.relu(self.second(F.max_pool2d(F.relu(self.first(images)), 2)))

    def head(self, maps: Float[Tensor, "B 16 h w"]) -> Float[Tensor, "B classes"]:
        """Return the logits from the feature maps of images."""
        return self.out(self.hidden(F.max_pool2d(maps, 2).flatten(1)))

    def config(self) -> dict:
        return self.sizes


ENTRY = ModelEntry(LeNet, defaults={"batch_size": 128, "epochs": 15, "lr": 2e-3, "weight_decay": 0.01})
