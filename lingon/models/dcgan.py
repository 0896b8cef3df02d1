"""A conditional deep convolutional GAN: a generator of images with labels, and a discriminator."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Int, Tensor
from lingon.models.image_generator import Draw, group_norm, pad_images, padded_side
from lingon.models.option_types import Classes, NonNegative, Whole, Width
from lingon.models.registry import ModelEntry

STD, SLOPE = 0.02, 0.2  # of initial weights, and the negative slope of the discriminator's activation (Radford 2015, 4)
Turn = Literal["discriminator", "generator"]


class DCGAN(nn.Module):
    """Generator and discriminator of strided convolutions (Radford et al. 2015), trained alternately.

    width: channels of the discriminator's first convolution. There are three differences from the paper: group norms in
    place of batch norms, so that the loss of an image does not depend on others; the label is an input of the generator
    besides the noise, and of the discriminator by projection (Miyato and Koyama 2018); and an R1 penalty, `penalty` / 2
    times the squared gradient at real images (Mescheder et al. 2018), for stability.
    """

    sampling: ClassVar[Mapping[str, float]] = {}
    turns: ClassVar[tuple[Turn, ...]] = ("discriminator", "generator")

    def __init__(
        self,
        image_height: Whole,
        image_width: Whole,
        channels: Whole,
        classes: Classes,
        width: Width = 32,
        latent: Whole = 64,
        penalty: NonNegative = 1.0,
    ):
        super().__init__()
        self.image_shape, self.classes, self.latent_shape = (channels, image_height, image_width), classes, (latent,)
        self.width, self.penalty = width, penalty
        grid = (4 * width, padded_side(image_height) // 4, padded_side(image_width) // 4)
        self.generator = nn.Sequential(
            nn.Linear(latent + classes, grid[0] * grid[1] * grid[2]), nn.Unflatten(1, grid),
            group_norm(4 * width), nn.ReLU(), nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1),
            group_norm(2 * width), nn.ReLU(), nn.ConvTranspose2d(2 * width, channels, 4, 2, 1),
        )  # fmt: skip
        self.discriminator = nn.ModuleDict({
            "layers": nn.Sequential(
                nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(SLOPE),
                nn.Conv2d(width, 2 * width, 4, 2, 1), group_norm(2 * width), nn.LeakyReLU(SLOPE),
                nn.Conv2d(2 * width, 4 * width, 3, 1, 1), group_norm(4 * width), nn.LeakyReLU(SLOPE),
            ),
            "output": nn.Linear(grid[0] * grid[1] * grid[2], 1),
            "labels": nn.Linear(classes, 4 * width, bias=False),
        })  # fmt: skip
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(module.weight, std=STD)

    @property
    def draws(self) -> Mapping[str, Draw]:
        """Return the random numbers of a training step: the noise of the generator."""
        return {"noise": Draw(self.latent_shape)}

    def forward(
        self,
        images: Float[Tensor, "B C H W"],
        labels: Int[Tensor, " B"],
        noise: Float[Tensor, "B latent"],
        turn: Turn = "generator",
    ) -> dict[str, Float[Tensor, " B"]]:
        """Return the loss of generator or discriminator, by `turn` (non-saturating, in logits)."""
        one_hot = F.one_hot(labels, self.classes).to(images.dtype)
        if turn == "generator":
            return {"loss": F.softplus(-self.logits(self.made(noise, one_hot), one_hot))}
        with torch.no_grad():
            made = self.made(noise, one_hot)
        real = (2 * images - 1).requires_grad_(self.penalty > 0)
        of_real, of_made = self.logits(real, one_hot), self.logits(made, one_hot)
        found = {"loss": F.softplus(-of_real) + F.softplus(of_made)}
        if self.penalty:
            (gradient,) = torch.autograd.grad(of_real.sum(), real, create_graph=True)
            found["loss"] = found["loss"] + self.penalty / 2 * gradient.square().flatten(1).sum(1)
        return found

    def made(self, latents: Float[Tensor, "B latent"], labels: Float[Tensor, "B K"]) -> Float[Tensor, "B C H W"]:
        """Return the generator's images, from -1 to 1."""
        _, height, width = self.image_shape
        return self.generator(torch.cat([latents, labels], 1))[..., :height, :width].to(latents.dtype).tanh()

    def logits(self, images: Float[Tensor, "B C H W"], labels: Float[Tensor, "B K"]) -> Float[Tensor, " B"]:
        """Return the discriminator's logits of images from -1 to 1 being real."""
        grid = self.discriminator["layers"](pad_images(images))
        of_label = (grid.mean((2, 3)) * self.discriminator["labels"](labels)).sum(1)
        return self.discriminator["output"](grid.flatten(1))[:, 0].to(images.dtype) + of_label.to(images.dtype)

    def sample(self, latents: Float[Tensor, "B latent"], labels: Float[Tensor, "B K"]) -> Float[Tensor, "B C H W"]:
        """Return the generator's images, from 0 to 1."""
        return (self.made(latents, labels) + 1) / 2

    def part(self, turn: Turn) -> nn.Module:
        """Return the part that is trained in a turn."""
        return self.get_submodule(turn)

    def config(self) -> dict[str, Any]:
        """Return the options that make this model again."""
        channels, height, width = self.image_shape
        sizes = {"image_height": height, "image_width": width, "channels": channels, "classes": self.classes}
        return sizes | {"width": self.width, "latent": self.latent_shape[0], "penalty": self.penalty}


ENTRY = ModelEntry(DCGAN, optimizer="adam", defaults={"lr": 5e-4, "epochs": 8, "batch_size": 64, "weight_decay": None})
