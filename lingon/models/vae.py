"""A conditional convolutional variational autoencoder of images."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Int, Tensor
from lingon.models.image_generator import Draw, pad_images, padded_side
from lingon.models.option_types import Classes, Whole, Width
from lingon.models.registry import ModelEntry


class VAE(nn.Module):
    """Encoder q(z | x, y), prior p(z | y) and decoder p(x | z, y) (Kingma and Welling 2013; Sohn et al. 2015).

    The prior is a Gaussian for each label, so that samples of a label have what its codes have in common.

    The encoder, two convolutions of stride 2 and a linear layer, gives mean and log-variance of `latent` dimensions;
    the decoder, a linear layer and two transposed convolutions, gives a logit for each pixel, as the probability of
    white, as is usual for grey images. width: channels of the first convolution; the second has twice as many.
    """

    sampling: ClassVar[Mapping[str, float]] = {}

    def __init__(
        self,
        image_height: Whole,
        image_width: Whole,
        channels: Whole,
        classes: Classes,
        width: Width = 32,
        latent: Whole = 32,
        hidden: Width = 256,
    ):
        super().__init__()
        self.image_shape, self.classes, self.latent_shape = (channels, image_height, image_width), classes, (latent,)
        self.width, self.hidden = width, hidden
        self.grid = (2 * width, padded_side(image_height) // 4, padded_side(image_width) // 4)
        flat = self.grid[0] * self.grid[1] * self.grid[2]
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, width, 4, 2, 1), nn.SiLU(),
            nn.Conv2d(width, 2 * width, 4, 2, 1), nn.SiLU(), nn.Flatten(),
        )  # fmt: skip
        self.posterior = nn.Sequential(nn.Linear(flat + classes, hidden), nn.SiLU(), nn.Linear(hidden, 2 * latent))
        self.prior = nn.Sequential(nn.Linear(classes, hidden), nn.SiLU(), nn.Linear(hidden, 2 * latent))
        self.decoder = nn.Sequential(
            nn.Linear(latent + classes, hidden), nn.SiLU(), nn.Linear(hidden, flat), nn.SiLU(),
            nn.Unflatten(1, self.grid), nn.ConvTranspose2d(2 * width, width, 4, 2, 1), nn.SiLU(),
            nn.ConvTranspose2d(width, channels, 4, 2, 1),
        )  # fmt: skip

    @property
    def draws(self) -> Mapping[str, Draw]:
        """Return the random numbers of a training step: the noise of the code."""
        return {"noise": Draw(self.latent_shape)}

    def forward(
        self, images: Float[Tensor, "B C H W"], labels: Int[Tensor, " B"], noise: Float[Tensor, "B latent"]
    ) -> dict[str, Float[Tensor, " B"]]:
        """Return -ELBO in nats, and its two parts: reconstruction + KL(q(z | x, y) || p(z | y))."""
        one_hot = F.one_hot(labels, self.classes).float()
        mean, log_variance = self.encode(images, one_hot)
        logits = self.decode(mean + (log_variance / 2).exp() * noise, one_hot)
        reconstruction = F.binary_cross_entropy_with_logits(logits, images, reduction="none").flatten(1).sum(1)
        kl = kl_of_gaussians(mean, log_variance, *self.prior_of(one_hot))
        return {"loss": reconstruction + kl, "reconstruction": reconstruction, "kl": kl}

    def encode(
        self, images: Float[Tensor, "B C H W"], labels: Float[Tensor, "B K"]
    ) -> tuple[Float[Tensor, "B latent"], Float[Tensor, "B latent"]]:
        """Return the mean and the log-variance of the code of each image."""
        found = self.posterior(torch.cat([self.encoder(pad_images(images)), labels], 1))
        mean, log_variance = found.float().chunk(2, 1)
        return mean, log_variance

    def decode(self, latents: Float[Tensor, "B latent"], labels: Float[Tensor, "B K"]) -> Float[Tensor, "B C H W"]:
        """Return the logits of the pixels."""
        _, height, width = self.image_shape
        return self.decoder(torch.cat([latents, labels], 1)).float()[..., :height, :width]

    def sample(self, latents: Float[Tensor, "B latent"], labels: Float[Tensor, "B K"]) -> Float[Tensor, "B C H W"]:
        """Return the mean of p(x | z, y), from 0 to 1, for codes z sampled from the prior by noise of N(0, 1)."""
        mean, log_variance = self.prior_of(labels)
        return self.decode(mean + (log_variance / 2).exp() * latents, labels).sigmoid()

    def prior_of(self, labels: Float[Tensor, "B K"]) -> tuple[Float[Tensor, "B latent"], Float[Tensor, "B latent"]]:
        """Return the mean and the log-variance of p(z | y)."""
        mean, log_variance = self.prior(labels).float().chunk(2, 1)
        return mean, log_variance

    def config(self) -> dict[str, Any]:
        """Return the options that make this model again."""
        channels, height, width = self.image_shape
        sizes = {"image_height": height, "image_width": width, "channels": channels, "classes": self.classes}
        return sizes | {"width": self.width, "latent": self.latent_shape[0], "hidden": self.hidden}


def kl_of_gaussians(
    mean: Float[Tensor, "B N"],
    log_variance: Float[Tensor, "B N"],
    other_mean: Float[Tensor, "B N"],
    other_log_variance: Float[Tensor, "B N"],
) -> Float[Tensor, " B"]:
    """Return KL(p || q) in nats of diagonal Gaussians p and q (`other_`)."""
    ratio = log_variance - other_log_variance
    distance = (mean - other_mean) ** 2 * (-other_log_variance).exp()
    return (distance + ratio.exp() - 1 - ratio).sum(1) / 2


ENTRY = ModelEntry(VAE, defaults={"lr": 1e-3, "epochs": 10, "batch_size": 128, "weight_decay": 0.0})
