"""Linear layers whose products are of 8-bit numbers: weights rounded once, inputs anew in every call.

`int8_linear` is for decoding, where weights are many and inputs few; here many inputs meet each weight, and the
processor multiplies four bytes in place of one float32 (VNNI).
"""

import warnings

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.kernels.int8_linear import quantize_rows

ENGINES = ("onednn", "x86", "fbgemm")  # of torch's quantized operators, the fastest first


class DynamicInt8Linear(nn.Module):
    """x W^T + b: each row of W as 8-bit numbers times a scale, x as 8-bit numbers times one scale, sums exact.

    The scale of x is that of its least and greatest number (Jacob et al. 2018, section 2.1). Products are oneDNN's; a
    plain path gives the same numbers where PyTorch lacks its quantized operators, not the speed.
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
    """Return x rounded to step * (n - zero), n from 0 to 255, which reach from its least to its greatest number."""
    least, greatest = x.min().clamp(max=0), x.max().clamp(min=0)
    step = ((greatest - least) / 255).clamp(min=torch.finfo(torch.float32).tiny)
    zero = (-least / step).round()
    return ((x / step).round() + zero).clamp(0, 255).sub(zero) * step


def _packed(numbers: Tensor, scale: Tensor, bias: Tensor | None) -> object | None:
    """Weights as the quantized operators read them; None where there are no such operators."""
    engine = next((name for name in ENGINES if name in torch.backends.quantized.supported_engines), None)
    if engine is None or numbers.device.type != "cpu":
        return None
    before = torch.backends.quantized.engine
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such tensors are to go one day; they are used in this function alone
        try:
            torch.backends.quantized.engine = engine  # the weights remember whose they are
            zeros = torch.zeros(len(scale), dtype=torch.int64)
            quantized = torch._make_per_channel_quantized_tensor(numbers, scale.double(), zeros, 0)
            return torch.ops.quantized.linear_prepack(quantized, bias)
        finally:
            torch.backends.quantized.engine = before
