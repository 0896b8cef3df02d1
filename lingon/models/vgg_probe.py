"""A linear probe: a linear layer on the features of the frozen convolutions of VGG-16."""

from collections.abc import Sequence
from typing import Annotated

import torch
from torch import nn

from lingon.core.errors import UserError, unknown
from lingon.core.shapes import Float, Tensor
from lingon.data.corpora.image_weights import VGG_BLOCKS, VGG_CHANNELS
from lingon.models.option_types import Classes, Range
from lingon.models.registry import ModelEntry
from lingon.models.vgg import LAYERS, VGG16, average_pool, load_vgg

Channels = Annotated[int, Range(1, 4)]
Filters = Annotated[int, Range(1, 512)]
LAST_OF_BLOCKS = ("relu2_2", "relu3_3", "relu4_3", "relu5_3")


class VGGProbe(nn.Module):
    """The mean over all positions of the feature maps of some layers of VGG-16, and one linear layer on these means.

    Only the linear layer is trained, so that the features of an image are computed once. Source: Alain and Bengio 2016,
    "Understanding intermediate layers using linear classifier probes", section 3. layers: of VGG-16, relu1_1 to
    relu5_3. filters: of the convolutions of each block. channels: 1 for grey, which is repeated as RGB, or 3. Maps of
    earlier layers are averaged down to the resolution of the last one, so that all have the same size; if 16 divides
    the sides, their mean is that of all positions, else borders have slightly more weight.
    """

    def __init__(
        self,
        classes: Classes,
        channels: Channels = 3,
        layers: Sequence[str] = LAST_OF_BLOCKS,
        filters: Sequence[Filters] = VGG_CHANNELS,
    ):
        super().__init__()
        if strange := [name for name in layers if name not in LAYERS]:
            raise unknown("layer of VGG-16", strange[0], LAYERS)
        if len(filters) != len(VGG_BLOCKS) or channels not in (1, 3):
            raise UserError(
                f"vgg_probe: filters are {list(filters)}, channels {channels}; expected five numbers, and 1 or 3"
            )
        self.sizes = {"classes": classes, "channels": channels, "layers": list(layers), "filters": list(filters)}
        self.layers = sorted(set(layers))
        self.trunk = VGG16(tuple(filters), last=self.layers[-1]).requires_grad_(False)
        self.out = nn.Linear(sum(filters[_block(name) - 1] for name in self.layers), classes)

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B classes"]:
        return self.head(self.features(images))

    def features(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        """Return the feature maps of all layers, at the resolution of the last. images: from 0 to 1."""
        found = self.trunk(images.expand(-1, 3, -1, -1))
        return torch.cat([self._smaller(name, found[name]) for name in self.layers], 1)

    def _smaller(self, name: str, maps: Float[Tensor, "B D H W"]) -> Float[Tensor, "B D h w"]:
        for _ in range(_block(self.layers[-1]) - _block(name)):
            maps = average_pool(maps)
        return maps

    def vectors(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        """Return the input of the linear layer for images."""
        return self.features(images).mean((2, 3))

    def head(self, maps: Float[Tensor, "B D h w"]) -> Float[Tensor, "B classes"]:
        """Return the logits from the feature maps of images."""
        return self.out(maps.mean((2, 3)))

    def config(self) -> dict:
        return self.sizes


def _block(layer: str) -> int:
    return int(layer[4])


def load_trunk(model: VGGProbe) -> None:
    """Load the published weights of VGG-16 into a probe. Raises UserError for a trunk of other sizes."""
    published = load_vgg(last=model.layers[-1]).state_dict()
    if wrong := [name for name, own in model.trunk.state_dict().items() if published[name].shape != own.shape]:
        filters, name = model.sizes["filters"], wrong[0]
        raise UserError(f"filters are {filters}, but {name} of the published VGG-16 is {list(published[name].shape)}")
    model.trunk.load_state_dict(published)


ENTRY = ModelEntry(VGGProbe, load_frozen=load_trunk)
