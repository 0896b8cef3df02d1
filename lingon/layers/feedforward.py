"""The feed-forward layers of a Transformer block, applied to each token separately."""

from collections.abc import Callable
from functools import partial

import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.kernels.linear import OneDNNLinear

Activation = Callable[[Tensor], Tensor]
gelu_tanh = partial(F.gelu, approximate="tanh")  # GPT-2's and Gemma's (Hendrycks and Gimpel 2016, section 2)


class FeedForward(nn.Module):
    """down(activation(up(x))) (Vaswani et al. 2017, section 3.3)."""

    def __init__(self, width: int, ffn_width: int, activation: Activation = gelu_tanh, bias: bool = True):
        super().__init__()
        self.up = OneDNNLinear(width, ffn_width, bias=bias)
        self.down = OneDNNLinear(ffn_width, width, bias=bias)
        self.activation = activation

    def forward(self, x: Float[Tensor, "B S D"]) -> Float[Tensor, "B S D"]:
        return self.down(self.activation(self.up(x)))


class GatedFeedForward(nn.Module):
    """down(activation(gate(x)) * up(x)): SwiGLU with F.silu, GeGLU with a GELU (Shazeer 2020, "GLU Variants").

    gate and up are stored as one matrix, which is read once.
    """

    def __init__(self, width: int, ffn_width: int, activation: Activation = F.silu, bias: bool = False):
        super().__init__()
        self.up = OneDNNLinear(width, 2 * ffn_width, bias=bias)
        self.down = OneDNNLinear(ffn_width, width, bias=bias)
        self.activation = activation

    def forward(self, x: Float[Tensor, "B S D"]) -> Float[Tensor, "B S D"]:
        gate, up = self.up(x).chunk(2, -1)
        return self.down(self.activation(gate) * up)
