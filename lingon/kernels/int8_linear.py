"""Linear layers for decoding with int8 weights: a quarter of the bytes of float32 to read at each step."""

import numpy as np
import torch
import torch.nn.functional as F
from numba import prange
from torch import nn

from lingon.core.shapes import Float, Int, Tensor
from lingon.kernels.jit import wide_kernel

PARTS = 16  # pieces of a product that are distributed over the cores
FEW = 16  # maximum rows for which weights are dequantized within the product; for more, before it


class Int8Linear(nn.Module):
    """A linear layer x W^T + b with int8 weights and a scale per row: a quarter of the bytes of float32.

    W is rounded to scale * n, n from -127 to 127, scale = max |row| / 127 (Dettmers et al. 2022, section 2, without
    the treatment of outliers). x is not quantized.
    """

    def __init__(self, linear: nn.Linear):
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.numbers, self.scale = quantize_rows(linear.weight.detach().float())
        self.bias = None if linear.bias is None else linear.bias.detach().float()

    def forward(self, x: Float[Tensor, "... I"]) -> Float[Tensor, "... O"]:
        rows = x.detach().reshape(-1, self.in_features).float()
        if rows.device.type != "cpu" or len(rows) > FEW:
            return F.linear(x.float(), self.numbers.float() * self.scale[:, None], self.bias).to(x.dtype)
        out = torch.empty(len(rows), self.out_features)
        _product(rows.contiguous().numpy(), self.numbers.numpy(), self.scale.numpy(), out.numpy())
        if self.bias is not None:
            out += self.bias
        return out.view(*x.shape[:-1], self.out_features).to(x.dtype)


def quantize_rows(weight: Float[Tensor, "O I"]) -> tuple[Int[Tensor, "O I"], Float[Tensor, " O"]]:
    """Return a matrix quantized to integers from -127 to 127, and the scale of each row."""
    scale = weight.abs().amax(1).clamp(min=torch.finfo(torch.float32).tiny) / 127
    return (weight / scale[:, None]).round().to(torch.int8), scale


@wide_kernel
def _product(x, numbers, scale, out):
    rows, width = x.shape
    for part in prange(PARTS):
        wide = np.empty(width, np.float32)
        for o in range(part * len(numbers) // PARTS, (part + 1) * len(numbers) // PARTS):
            if rows == 1:
                total = np.float32(0)
                for i in range(width):
                    total += x[0, i] * np.float32(numbers[o, i])
                out[0, o] = total * scale[o]
                continue
            for i in range(width):
                wide[i] = np.float32(numbers[o, i])
            r = 0
            while r + 4 <= rows:  # four rows at a time, so that each weight is loaded once for all of them
                a, b, c, d = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
                for i in range(width):
                    a += x[r, i] * wide[i]
                    b += x[r + 1, i] * wide[i]
                    c += x[r + 2, i] * wide[i]
                    d += x[r + 3, i] * wide[i]
                out[r, o], out[r + 1, o], out[r + 2, o], out[r + 3, o] = (
                    a * scale[o],
                    b * scale[o],
                    c * scale[o],
                    d * scale[o],
                )
                r += 4
            while r < rows:
                total = np.float32(0)
                for i in range(width):
                    total += x[r, i] * wide[i]
                out[r, o] = total * scale[o]
                r += 1
