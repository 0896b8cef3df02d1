"""How far a picture is from the content of a photo, and from a style: distances of maps of VGG-16."""

from collections.abc import Mapping, Sequence

import torch

from lingon.core.shapes import Float, Tensor
from lingon.models.vgg import VGG16

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT_LAYER = "relu4_2"
Maps = Mapping[str, Tensor]


def gram(maps: Float[Tensor, "B D H W"]) -> Float[Tensor, "B D D"]:
    """Return the Gram matrix of each image: how strongly each two maps go together, on average over the places."""
    flat = maps.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def relative(found: Float[Tensor, "B ..."], wanted: Float[Tensor, "#B ..."]) -> Float[Tensor, " B"]:
    """Return the squared distance to what is wanted, as a share of the square of that."""
    axes = tuple(range(1, found.ndim))
    return (found - wanted).square().sum(axes) / wanted.square().sum(axes).clamp(min=1e-8)


def total_variation(images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, " B"]:
    """Return the sum over both directions of the mean squared difference of neighbours."""
    down, right = images.diff(dim=2), images.diff(dim=3)
    sides = [side.square().mean((1, 2, 3)) for side in (down, right) if side.numel()]
    return torch.stack(sides).sum(0) if sides else images.new_zeros(len(images))


class PerceptualLoss:
    """Distances of a picture to the content of a photo and to a style (Gatys et al. 2016, equations 1, 4 and 5).

    Each distance is a share: divided by the square of what is wanted, not by a fixed number as in the paper. So every
    layer counts the same, whatever the scale of its activations, which differs by orders of magnitude from layer to
    layer and from weights to weights; 1 is what an image without any activation has.
    vgg: computes the layers at least. style: one image [1, 3, H, W] from 0 to 1.
    """

    def __init__(
        self,
        vgg: VGG16,
        style: Float[Tensor, "1 3 H W"],
        style_layers: Sequence[str] = STYLE_LAYERS,
        content_layer: str = CONTENT_LAYER,
    ):
        self.vgg, self.style_layers, self.content_layer = vgg, tuple(style_layers), content_layer
        with torch.no_grad():
            maps = vgg(style)
            self.grams = {layer: gram(maps[layer]) for layer in self.style_layers}

    def wanted(self, photos: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B D h w"]:
        """Return the maps that stand for the content of photos."""
        with torch.no_grad():
            return self.vgg(photos)[self.content_layer]

    def content(self, maps: Maps, wanted: Float[Tensor, "B D h w"]) -> Float[Tensor, " B"]:
        """Return the distance of each picture to the content of its photo."""
        return relative(maps[self.content_layer], wanted)

    def style(self, maps: Maps) -> Float[Tensor, " B"]:
        """Return the distance of each picture to the style, the mean of those of the layers."""
        return torch.stack([relative(gram(maps[layer]), wanted) for layer, wanted in self.grams.items()]).mean(0)
