"""A style network once more, as plain functions over the 48 arrays that were published: what ours must be equal to."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

# Of the 16 kernels, in TensorFlow's layouts: [high, wide, in, out], of the transposed ones [high, wide, out, in].
SHAPES = [(9, 9, 3, 32), (3, 3, 32, 64), (3, 3, 64, 128), *[(3, 3, 128, 128)] * 10]
SHAPES += [(3, 3, 64, 128), (3, 3, 32, 64), (9, 9, 32, 3)]


def plain_pass(arrays: Sequence[Tensor], images: Tensor, blocks: int = 5) -> Tensor:
    """Return images, [B, 3, H, W] from 0 to 255, as Engstrom's network paints them.

    arrays: kernel, shift and scale of each layer, in their order.
    """
    at = lambda i: arrays[3 * i : 3 * i + 3]
    x = _convolution(images, *at(0)).relu()
    x = _convolution(x, *at(1), stride=2).relu()
    x = _convolution(x, *at(2), stride=2).relu()
    for i in range(blocks):
        x = x + _convolution(_convolution(x, *at(3 + 2 * i)).relu(), *at(4 + 2 * i))
    last = 3 + 2 * blocks
    x = _transposed(x, *at(last)).relu()
    x = _transposed(x, *at(last + 1)).relu()
    return torch.tanh(_convolution(x, *at(last + 2))) * 150 + 255 / 2


def read_arrays(files: dict[str, bytes], folder: str) -> list[Tensor]:
    """Return the arrays of a folder's files, by their names in a tree."""
    found = []
    for i in range(48):
        values = torch.frombuffer(bytearray(files[f"{folder}/Variable" + (f"_{i}" if i else "")]), dtype=torch.float32)
        found.append(values.reshape(SHAPES[i // 3]) if i % 3 == 0 else values)
    return found


def _same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after of TensorFlow's padding "SAME"."""
    missing = max(0, ((size + stride - 1) // stride - 1) * stride + kernel - size)
    return missing // 2, missing - missing // 2


def _normed(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    mean = x.mean((2, 3), keepdim=True)
    variance = (x - mean).square().mean((2, 3), keepdim=True)
    return scale[:, None, None] * (x - mean) / (variance + 1e-3) ** 0.5 + shift[:, None, None]


def _convolution(x: Tensor, kernel: Tensor, shift: Tensor, scale: Tensor, stride: int = 1) -> Tensor:
    high, wide = (_same(x.shape[axis], kernel.shape[axis - 2], stride) for axis in (2, 3))
    return _normed(F.conv2d(F.pad(x, (*wide, *high)), kernel.permute(3, 2, 0, 1), stride=stride), shift, scale)


def _transposed(x: Tensor, kernel: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Lay each number of x, times the kernel, at twice its place; the last row and column fall off."""
    high, wide, made, _ = kernel.shape
    out = torch.zeros(len(x), made, 2 * x.shape[2] + 1, 2 * x.shape[3] + 1)
    for i in range(high):
        for j in range(wide):
            place = out[:, :, i : i + 2 * x.shape[2] : 2, j : j + 2 * x.shape[3] : 2]
            place += torch.einsum("oc,bchw->bohw", kernel[i, j], x)
    return _normed(out[:, :, :-1, :-1], shift, scale)
