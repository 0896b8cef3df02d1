"""An anchor-free object detector: a map of object centres for each class, and a box at each position."""

from typing import Annotated, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.models.option_types import Classes, Range, Width
from lingon.models.registry import ModelEntry

GROUPS = 8  # of a group norm; widths are multiples of it
STRIDE = 4  # pixels of the image per position of the maps
UNIT = 16.0  # pixels per unit of the output for sides
PRIOR = 4.6  # -logit of P = 0.01: almost no position is a centre

Blocks = Annotated[int, Range(1, 8)]
Stages = Annotated[int, Range(2, 6)]


class DetectionMaps(NamedTuple):
    """The output of a detector at each of h x w positions, `STRIDE` pixels apart.

    centers: logits of being the centre of an object of each class. sides: pixels from the middle of the position to the
    left, top, right and bottom of its box.
    """

    centers: Float[Tensor, "B C h w"]
    sides: Float[Tensor, "B 4 h w"]


class CenterNet(nn.Module):
    """image -> residual stages of strides 4, 8, ... -> their sum at stride 4 -> centres and boxes.

    The centres are those of Zhou et al. 2019, "Objects as points"; a box is four distances, as in FCOS (Tian et al.
    2019), trained near the centre as in TTFNet (Liu et al. 2020). Coarse stages are added to the finer ones, starting
    with the coarsest (feature pyramid, Lin et al. 2017). Group norms make the result independent of the other images of
    the batch. width: channels of the first stage; doubled in each further one, up to 256. stages: their number. blocks:
    residual blocks per stage.
    """

    def __init__(self, classes: Classes, width: Width = 32, stages: Stages = 4, blocks: Blocks = 1):
        super().__init__()
        widths = [_whole_groups(min(256, width << i)) for i in range(stages)]
        first = _whole_groups(widths[0] // 2)
        self.options = {"classes": classes, "width": width, "stages": stages, "blocks": blocks}
        self.stem = _convolution(3, first, stride=2)
        self.stages = nn.ModuleList(
            nn.Sequential(_convolution(before, after, stride=2), *(Residual(after) for _ in range(blocks)))
            for before, after in zip([first, *widths], widths, strict=False)
        )
        self.lateral = nn.ModuleList(nn.Conv2d(after, widths[0], 1) for after in widths)
        self.centers, self.sides = (_head(widths[0], count) for count in (classes, 4))
        nn.init.constant_(self.centers[-1].bias, -PRIOR)  # type: ignore[arg-type]

    def forward(self, images: Float[Tensor, "B 3 H W"]) -> DetectionMaps:
        """Return the maps of images with values from 0 to 1; h is H / 4 and w is W / 4, rounded up."""
        x, found = self.stem(images * 4 - 2), []  # roughly normalizes photos to mean 0 and variance 1
        for stage, lateral in zip(self.stages, self.lateral, strict=True):
            x = stage(x)
            found.append(lateral(x))
        joined = found.pop()
        while found:
            finer = found.pop()
            joined = F.interpolate(joined, size=finer.shape[-2:], mode="nearest") + finer
        joined = F.relu(joined)
        return DetectionMaps(self.centers(joined), F.softplus(self.sides(joined)) * UNIT)

    def config(self) -> dict[str, int]:
        """Return the options that make this model."""
        return dict(self.options)


class Residual(nn.Module):
    """x -> x + two convolutions of it (He et al. 2016)."""

    def __init__(self, width: int):
        super().__init__()
        self.first = _convolution(width, width)
        norm = nn.GroupNorm(GROUPS, width)
        nn.init.zeros_(norm.weight)  # initialized as the identity
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), norm)

    def forward(self, x: Float[Tensor, "B D h w"]) -> Float[Tensor, "B D h w"]:
        """Return an image of the same size."""
        return F.relu(x + self.second(self.first(x)))


def _convolution(before: int, after: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, padding=1, bias=False), nn.GroupNorm(GROUPS, after), nn.ReLU()
    )


def _head(width: int, count: int) -> nn.Sequential:
    last = nn.Conv2d(width, count, 1)
    nn.init.normal_(last.weight, std=0.01)
    assert last.bias is not None
    nn.init.zeros_(last.bias)
    return nn.Sequential(*_convolution(width, width), last)


def _whole_groups(width: int) -> int:
    return -(-width // GROUPS) * GROUPS


def boxes_of(sides: Float[Tensor, "B 4 h w"]) -> Float[Tensor, "B 4 h w"]:
    """Return the box at each position in pixels: left, top, right, bottom."""
    height, width = sides.shape[-2:]
    x = (torch.arange(width, device=sides.device, dtype=sides.dtype) + 0.5) * STRIDE
    y = (torch.arange(height, device=sides.device, dtype=sides.dtype) + 0.5) * STRIDE
    left, top, right, bottom = sides.unbind(1)
    y = y[:, None]
    return torch.stack([x - left, y - top, x + right, y + bottom], 1)


ENTRY = ModelEntry(
    CenterNet, defaults={"lr": 2e-3, "epochs": 60, "batch_size": 8, "weight_decay": 0.01, "max_grad_norm": 50.0}
)
