"""Sinusoidal positions with all sines first, as in Marian and fairseq and their published translation models."""

import math

import torch
from torch import nn

from lingon.core.shapes import Float, Int, Tensor


class SinesFirst(nn.Module):
    """Sinusoidal position embeddings: `width` / 2 sines, then the cosines of the same wavelengths.

    start: the number of the first position. slowest: whether the last wavelength is 10000 * 2 pi, as in fairseq
    (tensor2tensor's `get_timing_signal_1d`), or the next one would be, as in Marian (Vaswani et al. 2017, section 3.5).
    Not trained or saved.
    """

    def __init__(self, length: int, width: int, start: int = 0, slowest: bool = False):
        super().__init__()
        self.length, self.width, self.start, self.slowest = length, width, start, slowest
        self._table: Tensor | None = None  # made when needed: a model may be built on the meta device

    def forward(self, positions: slice | Int[Tensor, "..."], like: Tensor) -> Float[Tensor, "... D"]:
        """Return the vectors of positions, counted from 0, with the dtype and device of `like`."""
        if self._table is None or self._table.device != like.device or self._table.dtype != like.dtype:
            self._table = self._made().to(like)
        return self._table[positions]

    def _made(self) -> Float[Tensor, "T D"]:
        half = self.width // 2
        if self.slowest:  # in float32, as in training
            place, rates = torch.arange(self.start, self.start + self.length).float(), torch.arange(half).float()
            rates = torch.exp(rates * -(math.log(10_000) / max(1, half - 1)))
        else:
            place = torch.arange(self.start, self.start + self.length).double()
            rates = 10_000.0 ** (-torch.arange(0, self.width, 2).double() / self.width)
        angles = place[:, None] * rates
        found = torch.cat([angles.sin(), angles.cos()], 1).float()[:, : self.width]
        return nn.functional.pad(found, (0, self.width - found.shape[1]))
