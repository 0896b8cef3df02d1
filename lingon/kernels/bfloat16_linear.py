"""Linear layers for inference in bfloat16: half the bytes of float32, twice as fast if the processor supports it."""

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.kernels.linear import ONEDNN


def has_bfloat16() -> bool:
    """Return whether this processor has bfloat16 instructions, rather than emulating them in float32."""
    capability = getattr(torch.backends.cpu, "get_cpu_capability", lambda: "")()
    asked = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None) if ONEDNN else None
    own = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return bool(asked is not None and asked() and capability.startswith("AVX512") and own())


class BFloat16Linear(nn.Module):
    """A linear layer x W^T + b with factors in bfloat16, sums in float32, and the result rounded to bfloat16.

    dtype: of the output.
    Source: Kalamkar et al. 2019, "A Study of BFLOAT16 for Deep Learning Training".
    """

    def __init__(self, linear: nn.Linear, dtype: torch.dtype = torch.bfloat16):
        super().__init__()
        self.dtype = dtype
        self.in_features, self.out_features = linear.in_features, linear.out_features
        weight = linear.weight.detach().bfloat16().contiguous()
        self.packed = ONEDNN and weight.device.type == "cpu"
        # In oneDNN's blocked layout; otherwise every call would convert it again.
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight, 1) if self.packed else weight
        self.bias = None if linear.bias is None else linear.bias.detach().bfloat16()

    def forward(self, x: Float[Tensor, "... I"]) -> Float[Tensor, "... O"]:
        x = x.bfloat16()
        if not self.packed:
            return F.linear(x, self.weight, self.bias).to(self.dtype)
        return torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "").to(self.dtype)
