"""Linear layers with int8 products by dynamic quantization: weights are quantized once, inputs in every call.

`int8_linear` is for decoding, with few inputs, where reading the weights takes the time; this is for many inputs, where
the products do: the processor multiplies four bytes in place of one float32 (VNNI).
"""

import warnings

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.kernels.int8_linear import quantize_rows

ENGINES = ("onednn", "x86", "fbgemm")  # engines of torch's quantized operators, fastest first


class DynamicInt8Linear(nn.Module):
    """A linear layer x W^T + b with int8 weights (a scale per row), uint8 inputs (one scale), and exact sums.

    The scale of x is given by its minimum and maximum (Jacob et al. 2018, section 2.1). Products are computed by
    oneDNN; without quantized operators in PyTorch, a slower path gives the same numbers.
    """

    def __init__(self, linear: nn.Linear):
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.numbers, self.scale = quantize_rows(linear.weight.detach().float())
        self.bias = None if linear.bias is None else linear.bias.detach().float()
        self.packed = _packed(self.numbers, self.scale, self.bias)

    def forward(self, x: Float[Tensor, "... I"]) -> Float[Tensor, "... O"]:
        if self.packed is not None:
            return torch.ops.quantized.linear_dynamic(x.float(), self.packed, False)
        return F.linear(round_to_uint8(x.float()), self.numbers.float() * self.scale[:, None], self.bias)


def round_to_uint8(x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Return x rounded to step * (n - zero), n from 0 to 255, a range from its minimum to its maximum (and 0)."""
    least, greatest = x.min().clamp(max=0), x.max().clamp(min=0)
    step = ((greatest - least) / 255).clamp(min=torch.finfo(torch.float32).tiny)
    zero = (-least / step).round()
    return ((x / step).round() + zero).clamp(0, 255).sub(zero) * step


def _packed(numbers: Tensor, scale: Tensor, bias: Tensor | None) -> object | None:
    """Return weights in the format of the quantized operators; None if there are no such operators."""
    engine = next((name for name in ENGINES if name in torch.backends.quantized.supported_engines), None)
    if engine is None or numbers.device.type != "cpu":
        return None
    before = torch.backends.quantized.engine
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # quantized tensors are deprecated; they are used only in this function
        try:
            torch.backends.quantized.engine = engine  # packed weights keep the engine they were made with
            zeros = torch.zeros(len(scale), dtype=torch.int64)
            quantized = torch._make_per_channel_quantized_tensor(numbers, scale.double(), zeros, 0)
            return torch.ops.quantized.linear_prepack(quantized, bias)
        finally:
            torch.backends.quantized.engine = before
