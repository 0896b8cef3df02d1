"""A conditional diffusion model of images: a small denoising U-Net, and the sampler."""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Int, Tensor
from lingon.models.image_generator import Draw, group_norm, pad_images
from lingon.models.option_types import Classes, Depth, Fraction, Whole, Width
from lingon.models.registry import ModelEntry

HEADS, FREQUENCIES = 4, 32
PATCH = 2  # side of a patch of pixels that is one position of the network, to save three quarters of the time


class Level(NamedTuple):
    """The noise level of z = signal * x + noise * e; signal^2 + noise^2 = 1."""

    signal: Float[Tensor, "B 1 1 1"]
    noise: Float[Tensor, "B 1 1 1"]


def cosine_level(time: Float[Tensor, " B"]) -> Level:
    """Return the cosine schedule at times from 0 (image) to 1 (noise) (Nichol and Dhariwal 2021, continuous time)."""
    angle = time[:, None, None, None] * (math.pi / 2)
    return Level(angle.cos(), angle.sin())


class Block(nn.Module):
    """x + two convolutions, between which each channel is scaled and shifted by the embedding of time and label."""

    def __init__(self, channels: int, out: int, embedding: int, dropout: float):
        super().__init__()
        self.first = nn.Sequential(group_norm(channels), nn.SiLU(), nn.Conv2d(channels, out, 3, padding=1))
        self.norm, self.scale_shift = group_norm(out), nn.Linear(embedding, 2 * out)
        last = nn.Conv2d(out, out, 3, padding=1)
        nn.init.zeros_(last.weight)  # the block is initialized as the identity
        self.second = nn.Sequential(nn.SiLU(), nn.Dropout(dropout), last)
        self.skip = nn.Conv2d(channels, out, 1) if channels != out else nn.Identity()

    def forward(self, x: Float[Tensor, "B C H W"], vector: Float[Tensor, "B E"]) -> Float[Tensor, "B out H W"]:
        scale, shift = self.scale_shift(vector)[:, :, None, None].chunk(2, 1)
        return self.skip(x) + self.second(self.norm(self.first(x)) * (1 + scale) + shift)


class PlaceAttention(nn.Module):
    """x + self-attention over all positions."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm, self.inputs = group_norm(channels), nn.Conv2d(channels, 3 * channels, 1)
        self.output = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.output.weight)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        heads = math.gcd(HEADS, x.shape[1])
        query, key, value = (
            part.unflatten(1, (heads, -1)).flatten(3).transpose(2, 3) for part in self.inputs(self.norm(x)).chunk(3, 1)
        )
        found = F.scaled_dot_product_attention(query, key, value)
        return x + self.output(found.transpose(2, 3).flatten(1, 2).unflatten(2, x.shape[2:]))


class DenoisingUNet(nn.Module):
    """A U-Net with blocks at 1/2 and 1/4 of the image's sides, and skip connections."""

    def __init__(self, channels: int, classes: int, width: int, depth: int, dropout: float):
        super().__init__()
        embedding, wide = 4 * width, 2 * width
        self.time = nn.Sequential(nn.Linear(2 * FREQUENCIES, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        self.label = nn.Linear(classes, embedding, bias=False)
        block = lambda channels, out: Block(channels, out, embedding, dropout)
        self.stem = nn.Sequential(nn.PixelUnshuffle(PATCH), nn.Conv2d(PATCH**2 * channels, width, 3, padding=1))
        self.down = nn.ModuleList(block(width, width) for _ in range(depth))
        self.downsample = nn.Conv2d(width, wide, 3, 2, 1)
        self.middle = nn.ModuleList(block(wide, wide) for _ in range(depth))
        self.attention = PlaceAttention(wide)
        self.upsample = nn.Sequential(nn.Conv2d(wide, 4 * width, 1), nn.PixelShuffle(2))
        self.up = nn.ModuleList(block(wide, width) for _ in range(depth))
        last = nn.Conv2d(width, PATCH**2 * channels, 3, padding=1)
        nn.init.zeros_(last.weight)
        self.output = nn.Sequential(group_norm(width), nn.SiLU(), last, nn.PixelShuffle(PATCH))

    def forward(
        self, z: Float[Tensor, "B C H W"], time: Float[Tensor, " B"], labels: Float[Tensor, "B K"]
    ) -> Float[Tensor, "B C H W"]:
        """Return the prediction for noisy images. labels: weight of each label; all zeros for no label."""
        vector = F.silu(self.time(waves(time)) + self.label(labels))
        x, seen = self.stem(pad_images(z).contiguous(memory_format=torch.channels_last)), []
        for block in self.down:
            x = block(x, vector)
            seen.append(x)
        x = self.downsample(x)
        for block in self.middle:
            x = block(x, vector)
        x = self.upsample(self.attention(x))
        for block in self.up:
            x = block(torch.cat([x, seen.pop()], 1), vector)
        return self.output(x)[..., : z.shape[2], : z.shape[3]].float()


def waves(time: Float[Tensor, " B"]) -> Float[Tensor, "B W"]:
    """Return sines and cosines of times from 0 to 1 at 32 frequencies from 1 to 1,000."""
    frequencies = torch.logspace(0, 3, FREQUENCIES, device=time.device)
    angles = time[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], 1)


class Diffusion(nn.Module):
    """A U-Net conditioned on time and label that predicts v = signal * e - noise * x (Salimans and Ho 2022).

    width: channels at 1/2 of the image's sides; twice as many at 1/4. depth: blocks at each of the two levels, in each
    direction. no_label: probability of dropping the label in training, for classifier-free guidance (Ho and Salimans
    2022).
    """

    sampling: ClassVar[Mapping[str, float]] = {"guidance": 1.5, "steps": 15}

    def __init__(
        self,
        image_height: Whole,
        image_width: Whole,
        channels: Whole,
        classes: Classes,
        width: Width = 48,
        depth: Depth = 2,
        no_label: Fraction = 0.1,
        dropout: Fraction = 0.0,
    ):
        super().__init__()
        self.image_shape, self.classes = (channels, image_height, image_width), classes
        self.latent_shape = self.image_shape
        self.options = {"width": width, "depth": depth, "no_label": no_label, "dropout": dropout}
        self.network = DenoisingUNet(channels, classes, width, depth, dropout)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def draws(self) -> Mapping[str, Draw]:
        """Return the random numbers of a training step: the noise, the time, and whether the label is dropped."""
        return {"noise": Draw(self.image_shape), "time": Draw((), "uniform"), "left_out": Draw((), "uniform")}

    def forward(
        self,
        images: Float[Tensor, "B C H W"],
        labels: Int[Tensor, " B"],
        noise: Float[Tensor, "B C H W"],
        time: Float[Tensor, " B"],
        left_out: Float[Tensor, " B"],
    ) -> dict[str, Float[Tensor, " B"]]:
        """Return the mean squared error of v over pixels."""
        x, level = 2 * images - 1, cosine_level(time)
        kept = (left_out >= self.options["no_label"]).float()[:, None]
        one_hot = F.one_hot(labels, self.classes).float()
        found = self.network(level.signal * x + level.noise * noise, time, kept * one_hot)
        return {"loss": (found - (level.signal * noise - level.noise * x)).square().flatten(1).mean(1)}

    def sample(
        self, latents: Float[Tensor, "B C H W"], labels: Float[Tensor, "B K"], guidance: float = 1.5, steps: int = 15
    ) -> Float[Tensor, "B C H W"]:
        """Return images from noise by `steps` deterministic sampling steps (DDIM, Song et al. 2020).

        guidance: scale of classifier-free guidance: 0 ignores the label, 1 is conditional, more extrapolates.
        """
        z, times = latents, torch.linspace(1, 0, int(steps) + 1, device=latents.device)
        for now, then in pairwise(times):
            level, after = (cosine_level(time.expand(len(z))) for time in (now, then))
            v = self._guided(z, now.expand(len(z)), labels, guidance)
            x = (level.signal * z - level.noise * v).clamp(-1, 1)
            noise = (z - level.signal * x) / level.noise
            z = after.signal * x + after.noise * noise
        return (z.clamp(-1, 1) + 1) / 2

    def _guided(
        self, z: Float[Tensor, "B C H W"], time: Float[Tensor, " B"], labels: Float[Tensor, "B K"], guidance: float
    ) -> Float[Tensor, "B C H W"]:
        none = torch.zeros_like(labels)
        if guidance in (0, 1):
            return self.network(z, time, labels if guidance else none)
        both = self.network(torch.cat([z, z]), torch.cat([time, time]), torch.cat([labels, none]))
        with_label, without = both.chunk(2)
        return without + guidance * (with_label - without)

    def config(self) -> dict[str, Any]:
        """Return the options that make this model again."""
        channels, height, width = self.image_shape
        sizes = {"image_height": height, "image_width": width, "channels": channels, "classes": self.classes}
        return sizes | self.options


ENTRY = ModelEntry(Diffusion, defaults={"lr": 1e-3, "epochs": 8, "batch_size": 64, "weight_decay": 0.0})
