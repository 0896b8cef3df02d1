"""Biaffine scores of two vectors: a bilinear form of both plus linear forms of each."""

import torch
from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.kernels.linear import onednn_linear


class Biaffine(nn.Module):
    """x^T U y + u^T x + v^T y + b, one for each output (Dozat and Manning 2017, section 2.2).

    left, right: L and R, the widths of x and y. outputs: O. bias: whether there are u and v; b exists if both do.
    Implemented as one matrix, by appending a 1 to x, and to y, if it has a bias. Weights are initialized to zero.
    """

    def __init__(self, left: int, right: int, outputs: int = 1, bias: tuple[bool, bool] = (True, True)):
        super().__init__()
        self.bias = bias
        self.weight = nn.Parameter(torch.zeros(outputs, left + bias[0], right + bias[1]))

    def forward(self, x: Float[Tensor, "B I L"], y: Float[Tensor, "B J R"]) -> Float[Tensor, "B O I J"]:
        """Return the scores of every x with every y of the same row."""
        left, right = _with_ones(x, self.bias[0]), _with_ones(y, self.bias[1])
        return self._from_left(left).transpose(-2, -3) @ right.transpose(-1, -2)[:, None]

    def pairs(self, x: Float[Tensor, "B I L"], y: Float[Tensor, "B I R"]) -> Float[Tensor, "B I O"]:
        """Return the scores of each x with the y at the same position."""
        left, right = _with_ones(x, self.bias[0]), _with_ones(y, self.bias[1])
        return (self._from_left(left) @ right[..., None])[..., 0]

    def _from_left(self, left: Float[Tensor, "B I L"]) -> Float[Tensor, "B I O R"]:
        outputs, width, other = self.weight.shape
        flat = self.weight.transpose(1, 2).reshape(outputs * other, width)
        return onednn_linear(left, flat).unflatten(-1, (outputs, other))


def _with_ones(x: Float[Tensor, "B I L"], ones: bool) -> Float[Tensor, "B I M"]:
    return torch.cat([x, x.new_ones(*x.shape[:-1], 1)], -1) if ones else x
