"""Residual convolutional blocks, which may reduce the resolution of an image."""

import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.layers.batch_norm import BatchNorm


class ResidualConv(nn.Module):
    """relu(norm(conv(relu(norm(conv(x))))) + skip(x)), both kernels 3 x 3 (He et al. 2016, figure 2).

    The first convolution has `stride`; if the shape changes, the skip connection is a 1 x 1 convolution.
    """

    def __init__(self, channels: int, out_channels: int, stride: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out_channels, 3, stride, 1, bias=False)
        self.norm1 = BatchNorm(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.norm2 = BatchNorm(out_channels)
        same = stride == 1 and channels == out_channels
        self.skip = None if same else nn.Conv2d(channels, out_channels, 1, stride, bias=False)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B E h w"]:
        made = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(made + (x if self.skip is None else self.skip(x)))
