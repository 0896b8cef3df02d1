"""The loss of a style network: its pictures shall have the style, and the content of their photos (Johnson 2016)."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.data.batches import Batch
from lingon.engine.loss import Loss
from lingon.models.vgg import load_vgg
from lingon.tasks.style.losses import PerceptualLoss, total_variation
from lingon.tasks.style.pixels import as_image

STYLE_LAYERS, CONTENT_LAYER = (
    ("relu1_2", "relu2_2", "relu3_3", "relu4_1"),
    "relu3_3",
)  # Johnson: relu4_3 in place of 4_1


class StyleWeights(NamedTuple):
    """Weights of the parts of the loss."""

    style: float = 5.0
    content: float = 1.0
    total_variation: float = 5.0


def perceptual_loss(style: np.ndarray, device: torch.device) -> PerceptualLoss:
    """Return the distances to a style, uint8 [H, W, 3], by the published weights of VGG-16."""
    vgg = load_vgg(last=STYLE_LAYERS[-1]).to(device)
    return PerceptualLoss(vgg, as_image(style).to(device), STYLE_LAYERS, CONTENT_LAYER)


class StyleObjective(nn.Module):
    """A style network with its loss as one module, so that what wraps it sees the whole step."""

    def __init__(self, model: nn.Module, loss: PerceptualLoss, weights: StyleWeights):
        super().__init__()
        self.model: Any = model
        self.loss, self.weights = loss, weights  # VGG-16 is no part of it: it is neither trained nor saved

    def forward(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "3 B"]:
        """Return the weighted distances of each picture to the style, to its photo, and its total variation."""
        painted = self.model(images)
        maps = self.loss.vgg(painted)
        return torch.stack(
            [
                self.weights.style * self.loss.style(maps),
                self.weights.content * self.loss.content(maps, self.loss.wanted(images)),
                self.weights.total_variation * total_variation(painted),
            ]
        )


def style_loss(objective: nn.Module, batch: Batch) -> Loss:
    """The loss of a batch of photos, over the photos."""
    style, content, variation = objective(batch.images).sum(1)
    count = len(batch.images)
    logs = {"style": float(style.detach()) / count, "content": float(content.detach()) / count}
    return Loss(style + content + variation, float(count), logs=logs)
