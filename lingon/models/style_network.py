"""A network that paints a photo in one style in a single pass, its convolutions normalized by image (Johnson 2016)."""

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.data.corpora.image_weights import STYLES, load_image_weights
from lingon.models.option_types import Depth, Whole
from lingon.models.registry import ModelEntry

NETS = tuple(name.replace("_", "-") for name in STYLES)  # that were published
EPSILON = 1e-3  # of the norm, as the published networks have it


class InstanceNorm(nn.Module):
    """(x - mean) / sqrt(variance + 0.001) of each map of each image by itself, times a scale, plus a shift.

    Source: Ulyanov et al. 2017, "Improved Texture Networks", section 3.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Float[Tensor, "B D H W"]) -> Float[Tensor, "B D H W"]:
        if x.shape[2] * x.shape[3] == 1:  # a map of one place is its own mean
            return self.bias[:, None, None].expand_as(x)
        return F.instance_norm(x, weight=self.weight, bias=self.bias, eps=EPSILON)


class NormedConv(nn.Module):
    """A convolution without bias and an instance norm; a map of height H has ceil(H / stride) rows afterwards.

    Zeros are put around as TensorFlow's "SAME" does: where their number is odd, one more below and to the right.
    """

    def __init__(self, read: int, made: int, kernel: int, stride: int = 1):
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.conv = nn.Conv2d(read, made, kernel, stride, bias=False)
        self.norm = InstanceNorm(made)

    def forward(self, x: Float[Tensor, "B D H W"]) -> Float[Tensor, "B E h w"]:
        sides = [side for size in reversed(x.shape[2:]) for side in self._zeros(size)]
        return self.norm(self.conv(F.pad(x, sides)))

    def _zeros(self, size: int) -> tuple[int, int]:
        missing = max(0, (-(-size // self.stride) - 1) * self.stride + self.kernel - size)
        return missing // 2, missing - missing // 2


class NormedUpsampling(nn.Module):
    """A transposed convolution of stride 2 without bias and an instance norm: twice the height and width.

    It is the adjoint of a convolution with "SAME" zeros: the last row and column are cut off, none at the beginning.
    """

    def __init__(self, read: int, made: int):
        super().__init__()
        self.conv = nn.ConvTranspose2d(read, made, 3, 2, bias=False)
        self.norm = InstanceNorm(made)

    def forward(self, x: Float[Tensor, "B D H W"]) -> Float[Tensor, "B E 2*H 2*W"]:
        return self.norm(self.conv(x)[:, :, :-1, :-1])


class ResidualBlock(nn.Module):
    """x + convolution(relu(convolution(x))), each with its norm (Johnson's supplement, after Gross and Wilber 2016)."""

    def __init__(self, width: int):
        super().__init__()
        self.first, self.second = NormedConv(width, width, 3), NormedConv(width, width, 3)

    def forward(self, x: Float[Tensor, "B D H W"]) -> Float[Tensor, "B D H W"]:
        return x + self.second(F.relu(self.first(x)))


class StyleNetwork(nn.Module):
    """Three convolutions down to a quarter of the sides, residual blocks, two transposed ones up again, one to colours.

    Source: Johnson, Alahi and Fei-Fei 2016, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", with
    the instance norm of Ulyanov et al. 2017 and zeros at the borders, as Engstrom (2016) trained the published ones;
    these have width 32 and depth 5. width: maps of the first convolution. depth: residual blocks.
    """

    def __init__(self, width: Whole = 32, depth: Depth = 5):
        super().__init__()
        self.sizes = {"width": width, "depth": depth}
        self.down = nn.ModuleList(
            [
                NormedConv(3, width, 9),
                NormedConv(width, 2 * width, 3, stride=2),
                NormedConv(2 * width, 4 * width, 3, stride=2),
            ]
        )
        self.blocks = nn.Sequential(*(ResidualBlock(4 * width) for _ in range(depth)))
        self.up = nn.ModuleList([NormedUpsampling(4 * width, 2 * width), NormedUpsampling(2 * width, width)])
        self.out = NormedConv(width, 3, 9)

    def forward(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 3 H W"]:
        """Return the images as they are painted, red, green and blue about from 0 to 1, as those that are read.

        Where a side is no multiple of four, what the last steps make more than it is cut off.
        """
        x = images * 255
        for down in self.down:
            x = F.relu(down(x))
        x = self.blocks(x)
        for up in self.up:
            x = F.relu(up(x))
        painted = torch.tanh(self.out(x)) * 150 + 127.5
        return painted[:, :, : images.shape[2], : images.shape[3]] / 255

    def config(self) -> dict[str, Any]:
        return self.sizes


def load_style_network(name: str) -> StyleNetwork:
    """Return a published network: wave, la-muse or udnie, fetched when it is not in the cache.

    Raises UserError for an unknown name, FetchError when it cannot be had.
    """
    model = StyleNetwork()
    found = load_image_weights(f"style-{name.removeprefix('style-')}")
    model.load_state_dict({key: torch.from_numpy(values) for key, values in found.items()})
    return cast(StyleNetwork, model.eval())


ENTRY = ModelEntry(StyleNetwork, defaults={"lr": 1e-3, "batch_size": 4, "width": 16})
