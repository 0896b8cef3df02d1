"""Rotary position embeddings (RoPE) of queries and keys, and their scaling to longer texts."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from lingon.core.shapes import Float, Int, Tensor

Rotation = tuple[Tensor, Tensor]  # cosines and signed sines, [S, K] or [B, 1, S, K]
RopeScaling = Callable[[Tensor], Tensor]  # frequencies [K/2] -> frequencies [K/2]


class Rotary(nn.Module):
    """Rotates each pair (x_i, x_{i + K/2}) of a query or key by the angle position * theta^(-2i/K).

    So the product of a query and a key depends only on their distance (Su et al. 2021, "RoFormer", section 3.2.2; the
    paper pairs neighbouring dimensions, checkpoints in the Hugging Face layout pair halves).

    fraction: of the dimensions of each head that are rotated. scaling: changes the frequencies for longer texts.
    magnitude: factor of queries and keys, so that scores are scaled by its square. The tables grow with the longest
    text; they are not weights.
    """

    def __init__(
        self,
        head_width: int,
        theta: float = 10_000.0,
        fraction: float = 1.0,
        scaling: RopeScaling | None = None,
        magnitude: float = 1.0,
    ):
        super().__init__()
        self.rotated = int(head_width * fraction) // 2 * 2
        self.theta, self.scaling, self.magnitude = theta, scaling, magnitude
        self._tables: dict[tuple, Rotation] = {}

    def forward(self, positions: slice | Int[Tensor, "B S"], like: Tensor) -> Rotation:
        """Return the cosines and signed sines of positions, with the dtype and device of `like`."""
        if isinstance(positions, slice):
            cos, sin = self._table(positions.stop, like)
            return cos[positions], sin[positions]
        cos, sin = self._table(int(positions.max()) + 1, like)
        return cos[positions][:, None], sin[positions][:, None]

    def _table(self, length: int, like: Tensor) -> Rotation:
        key = (like.device, like.dtype)
        found = self._tables.get(key)
        if found is None or len(found[0]) < length:
            size = max(64, 1 << (length - 1).bit_length())
            # Tensors made in inference mode could not be used in training later.
            with torch.inference_mode(False), torch.no_grad():
                found = self._tables[key] = self._made(size, like)
        return found

    def _made(self, size: int, like: Tensor) -> Rotation:
        return self.at(torch.arange(size, device=like.device), like)

    def at(self, positions: Int[Tensor, "..."], like: Tensor) -> Rotation:
        """Return the cosines and signed sines of positions [..., K], computed instead of looked up."""
        angles = positions.float()[..., None] * self.frequencies().to(like.device)
        cos, sin = angles.cos(), angles.sin()
        if self.magnitude != 1:
            cos, sin = cos * self.magnitude, sin * self.magnitude
        return torch.cat([cos, cos], -1).to(like.dtype), torch.cat([-sin, sin], -1).to(like.dtype)

    def frequencies(self) -> Float[Tensor, " half"]:
        """Return the angle per position of each pair, in radians."""
        even = torch.arange(0, self.rotated, 2, dtype=torch.float32)
        frequencies = 1.0 / self.theta ** (even / max(1, self.rotated))
        return frequencies if self.scaling is None else self.scaling(frequencies)


def rotate(x: Float[Tensor, "B H S K"], rotation: Rotation) -> Float[Tensor, "B H S K"]:
    """Return x with the first dimensions of each head rotated, as many as the rotation has; the others unchanged."""
    cos, sin = rotation
    if (turned := cos.shape[-1]) < x.shape[-1]:
        return torch.cat([rotate(x[..., :turned], rotation), x[..., turned:]], -1)
    # [x2, x1] * [-sin, sin] is the same as [-x2, x1] * [sin, sin], and takes one operation less.
    return torch.addcmul(x * cos, x.roll(turned // 2, -1), sin)


@dataclass(frozen=True)
class LinearScaling:
    """Divide positions by `factor` (Chen et al. 2023, "Extending Context Window", 2.2)."""

    factor: float

    def __call__(self, frequencies: Tensor) -> Tensor:
        return frequencies / self.factor


@dataclass(frozen=True)
class Llama3Scaling:
    """Divide low frequencies by `factor` and keep high ones (Llama 3, section 3.4.2, code).

    original: the context length of pretraining. Wavelengths above original / low tokens are scaled, those below
    original / high are kept, and those between are interpolated.
    """

    factor: float
    low: float
    high: float
    original: int

    def __call__(self, frequencies: Tensor) -> Tensor:
        turns = self.original * frequencies / (2 * math.pi)  # rotations within the original context
        kept = ((turns - self.low) / (self.high - self.low)).clamp(0, 1)
        return frequencies * (kept + (1 - kept) / self.factor)


@dataclass(frozen=True)
class YarnScaling:
    """Divide low frequencies by `factor` and keep high ones.

    original: the context length of pretraining. fast, slow: numbers of rotations within it above which a frequency is
    kept, and below which it is divided; in between, the interpolation is linear in the index of the pair, not in its
    rotations. truncate: round the bounds of the interpolation to integers. Source: Peng et al. 2023, "YaRN", section
    3.2; the interpolation as in its code.
    """

    factor: float
    original: int
    theta: float
    fast: float = 32.0
    slow: float = 1.0
    truncate: bool = True

    def __call__(self, frequencies: Tensor) -> Tensor:
        width = 2 * len(frequencies)
        low, high = self._pair(self.fast, width), self._pair(self.slow, width)
        if self.truncate:
            low, high = math.floor(low), math.ceil(high)
        low, high = max(low, 0), min(high, width - 1)
        pairs = torch.arange(len(frequencies), dtype=torch.float32)
        divided = ((pairs - low) / (high - low or 0.001)).clamp(0, 1)
        return frequencies / self.factor * divided + frequencies * (1 - divided)

    def _pair(self, turns: float, width: int) -> float:
        """Return the (real) index of the pair with this number of rotations within the original context."""
        return width * math.log(self.original / (turns * 2 * math.pi)) / (2 * math.log(self.theta))


def yarn_magnitude(factor: float, strength: float = 1.0) -> float:
    """Return 0.1 * strength * ln(factor) + 1, YaRN's scale of queries and keys (Peng et al. 2023, equation 22).

    >>> yarn_magnitude(1.0), round(yarn_magnitude(4.0), 6)
    (1.0, 1.138629)
    """
    return 0.1 * strength * math.log(factor) + 1 if factor > 1 else 1.0
