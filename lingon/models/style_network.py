"""A style network: feed-forward style transfer with instance norms, for one style (Johnson et al. 2016)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.data.corpora.image_weights import STYLES, load_image_weights
from lingon.models.option_types import Depth, Range, Whole
from lingon.models.registry import ModelEntry

NETS = tuple(name.replace("_", "-") for name in STYLES)  # the published networks
EPSILON = 1e-3  # of the norm, as in the published networks
Padding = Literal["replicate", "zeros"]
Kernel = Annotated[int, Range(3, 4)]
PUBLISHED: Mapping[str, Any] = {"padding": "zeros", "upsampling_kernel": 3}


class InstanceNorm(nn.Module):
    """(x - mean) / sqrt(variance + 0.001) over each feature map of each image, times a scale, plus a shift.

    Source: Ulyanov et al. 2017, "Improved Texture Networks", section 3.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Float[Tensor, "B D H W"]) -> Float[Tensor, "B D H W"]:
        if x.shape[2] * x.shape[3] == 1:  # a map of one element equals its mean
            return self.bias[:, None, None].expand_as(x)
        return F.instance_norm(x, weight=self.weight, bias=self.bias, eps=EPSILON)


class NormedConv(nn.Module):
    """A convolution without bias and an instance norm; a map of height H has ceil(H / stride) rows afterwards.

    padding: "zeros" or "replicate", in the amount of TensorFlow's "SAME": if it is odd, one more at the bottom and on
    the right.
    """

    def __init__(self, read: int, made: int, kernel: int, stride: int, padding: Padding):
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.mode = "constant" if padding == "zeros" else padding
        self.conv = nn.Conv2d(read, made, kernel, stride, bias=False)
        self.norm = InstanceNorm(made)

    def forward(self, x: Float[Tensor, "B D H W"]) -> Float[Tensor, "B E h w"]:
        sides = [side for size in reversed(x.shape[2:]) for side in self._missing(size)]
        return self.norm(self.conv(F.pad(x, sides, self.mode)))

    def _missing(self, size: int) -> tuple[int, int]:
        missing = max(0, (-(-size // self.stride) - 1) * self.stride + self.kernel - size)
        return missing // 2, missing - missing // 2


class NormedUpsampling(nn.Module):
    """A transposed convolution of stride 2 without bias and an instance norm: twice the height and width.

    kernel: 3, as in the published networks, the adjoint of a convolution with "SAME" zeros, whose last row and column
    are cut off; or 4, where every output depends on equally many inputs, which avoids checkerboard artifacts (Odena et
    al. 2016, "Deconvolution and Checkerboard Artifacts").
    """

    def __init__(self, read: int, made: int, kernel: int):
        super().__init__()
        self.conv = nn.ConvTranspose2d(read, made, kernel, 2, padding=(kernel - 2) // 2, bias=False)
        self.norm = InstanceNorm(made)

    def forward(self, x: Float[Tensor, "B D H W"]) -> Float[Tensor, "B E 2*H 2*W"]:
        height, width = x.shape[2:]
        return self.norm(self.conv(x)[:, :, : 2 * height, : 2 * width])


class ResidualBlock(nn.Module):
    """x + convolution(relu(convolution(x))), each with its norm (Johnson's supplement, after Gross and Wilber 2016)."""

    def __init__(self, width: int, padding: Padding):
        super().__init__()
        self.first, self.second = (NormedConv(width, width, 3, 1, padding) for _ in range(2))

    def forward(self, x: Float[Tensor, "B D H W"]) -> Float[Tensor, "B D H W"]:
        return x + self.second(F.relu(self.first(x)))


class StyleNetwork(nn.Module):
    """Three convolutions down to 1/4 of the sides, residual blocks, two upsamplings, and a convolution to colours.

    Source: Johnson, Alahi and Fei-Fei 2016, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", with
    the instance norm of Ulyanov et al. 2017. The published ones, trained by Engstrom (2016), have width 32, depth 5,
    zero padding and upsampling kernels of 3, which cause a fine checkerboard pattern. width: channels of the first
    convolution. depth: residual blocks. padding: see `NormedConv`. upsampling_kernel: see `NormedUpsampling`.
    """

    def __init__(
        self,
        width: Whole = 32,
        depth: Depth = 5,
        padding: Padding = "replicate",
        upsampling_kernel: Kernel = 4,
    ):
        super().__init__()
        self.options = {"width": width, "depth": depth, "padding": padding, "upsampling_kernel": upsampling_kernel}
        sides = [(3, width, 9, 1), (width, 2 * width, 3, 2), (2 * width, 4 * width, 3, 2)]
        self.down = nn.ModuleList(NormedConv(*side, padding) for side in sides)
        self.blocks = nn.Sequential(*(ResidualBlock(4 * width, padding) for _ in range(depth)))
        halves = [(4 * width, 2 * width), (2 * width, width)]
        self.up = nn.ModuleList(NormedUpsampling(*half, upsampling_kernel) for half in halves)
        self.out = NormedConv(width, 3, 9, 1, padding)

    def forward(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 3 H W"]:
        """Return the stylized images, in RGB from about 0 to 1, like the input.

        If a side is not a multiple of four, the excess of the upsampling is cut off.
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
        return self.options


def load_style_network(name: str) -> StyleNetwork:
    """Return a published network: wave, la-muse or udnie, downloaded if it is not in the cache.

    Raises UserError for an unknown name, FetchError when the download fails.
    """
    model = StyleNetwork(**PUBLISHED)
    found = load_image_weights(f"style-{name.removeprefix('style-')}")
    model.load_state_dict({key: torch.from_numpy(values) for key, values in found.items()})
    return cast(StyleNetwork, model.eval())


ENTRY = ModelEntry(StyleNetwork, defaults={"lr": 1e-3, "batch_size": 4, "width": 16})
