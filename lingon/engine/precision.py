"""The precision of the forward pass: float32, bfloat16, or float16 with gradient scaling. Weights stay float32."""

import contextlib
from dataclasses import dataclass

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Tensor

HALF = (torch.bfloat16, torch.float16)


@dataclass(frozen=True)
class Precision:
    """A number format for matrix products. Use `float32()`, `bfloat16()` or `float16()`."""

    dtype: torch.dtype

    def check(self, device: torch.device) -> None:
        """Raise UserError when the device cannot train in this format."""
        if self.dtype == torch.float16 and device.type != "cuda":
            raise UserError(f"float16 needs a CUDA device, not {device.type}; use bfloat16, or float32")

    def autocast(self, device: torch.device) -> contextlib.AbstractContextManager:
        """Return the context in which losses are computed."""
        return contextlib.nullcontext() if self.dtype == torch.float32 else torch.autocast(device.type, self.dtype)

    def scaler(self, device: torch.device) -> torch.amp.GradScaler:
        """Return the gradient scaler of float16 (Micikevicius 2018); for the other formats one that does nothing."""
        return torch.amp.GradScaler(device.type, enabled=self.dtype == torch.float16)


def in_float32(x: Tensor) -> Tensor:
    """Return a bfloat16 or float16 tensor as float32, for computing a loss; others unchanged."""
    return x.float() if x.dtype in HALF else x


def float32() -> Precision:
    """Return the precision float32."""
    return Precision(torch.float32)


def bfloat16() -> Precision:
    """Return the precision of matrix products in bfloat16: the range of float32, 8 bits of precision."""
    return Precision(torch.bfloat16)


def float16() -> Precision:
    """Return the precision of matrix products in float16, for CUDA only."""
    return Precision(torch.float16)
