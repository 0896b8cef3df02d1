"""A style network with fresh weights, smooth pictures, and a narrow VGG-16 in place of the published one."""

import numpy as np
import torch

from lingon.data.files.images import resize_image
from lingon.models.registry import build
from lingon.models.vgg import VGG16, max_pool
from lingon.tasks.style import Stylizer

NARROW = (3, 5, 7, 11, 13)


def photo(height=37, width=53, seed=0):
    """Colours that run into each other."""
    return resize_image(np.random.default_rng(seed).integers(0, 256, (5, 5, 3), np.uint8), height, width)


def narrow_vgg(name="vgg16-hed", last="relu5_3", pool=max_pool):
    """What `load_vgg` is called as, with the same fresh weights each time."""
    rng = torch.get_rng_state()
    torch.manual_seed(2)
    made = VGG16(NARROW, last, pool).requires_grad_(False).eval()
    torch.set_rng_state(rng)
    return made


def made_stylizer(style=None):
    """A network that paints as it happens, and the style that it should have learned."""
    torch.manual_seed(1)
    style = photo(41, 43, 9) if style is None else style
    return Stylizer(build("style_network", {"width": 2, "depth": 1}).eval(), "made up", style)
