"""The loss of a segmenter: the cross-entropy of its pixels, and how little its classes overlap the true ones."""

from typing import Any

import torch
from torch import nn

from lingon.core.shapes import Float, Int, Tensor
from lingon.data.batches import Batch
from lingon.data.batches.masks import IGNORED
from lingon.engine.loss import Loss

SMOOTHING = 1.0  # pixels: keeps the quotient of a class of few pixels from jumping


class SegmentObjective(nn.Module):
    """A segmenter with its loss as one module, so that what wraps it sees the whole step. dice_weight: of its part."""

    def __init__(self, model: nn.Module, dice_weight: float = 1.0):
        super().__init__()
        self.model: Any = model
        self.dice_weight = dice_weight

    def forward(
        self, images: Float[Tensor, "B channels H W"], masks: Int[Tensor, "B H W"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """Return the sums over the images of both losses."""
        logprobs = self.model(images).float().log_softmax(1)
        return pixel_loss(logprobs, masks).sum(), self.dice_weight * dice_loss(logprobs, masks).sum()


def pixel_loss(logprobs: Float[Tensor, "B C H W"], masks: Int[Tensor, "B H W"]) -> Float[Tensor, " B"]:
    """Return the mean cross-entropy of the pixels of each image that count; 0 where there is none."""
    counted = masks != IGNORED
    losses = -logprobs.gather(1, masks.masked_fill(~counted, 0)[:, None])[:, 0] * counted
    return losses.sum((1, 2)) / counted.sum((1, 2)).clamp(min=1)


def dice_loss(logprobs: Float[Tensor, "B C H W"], masks: Int[Tensor, "B H W"]) -> Float[Tensor, " B"]:
    """Return 1 minus the Dice coefficient of the probabilities of each image (Milletari et al. 2016).

    Of a class with true pixels t and probabilities p it is (2 sum(p t) + 1) / (sum(p) + sum(t) + 1); the coefficient of
    an image is the mean over the classes that it has. Pixels that count for nothing are left out; 0 where all do.
    """
    counted = (masks != IGNORED).float()
    true = masks.masked_fill(masks == IGNORED, 0)
    chances = logprobs.exp() * counted[:, None]
    shared = _by_class(chances.gather(1, true[:, None])[:, 0], true, chances.shape[1])
    sizes = _by_class(counted, true, chances.shape[1])
    dice = (2 * shared + SMOOTHING) / (chances.sum((2, 3)) + sizes + SMOOTHING)
    there = sizes > 0
    return (there * (1 - dice)).sum(1) / there.sum(1).clamp(min=1)


def _by_class(values: Float[Tensor, "B H W"], classes: Int[Tensor, "B H W"], count: int) -> Float[Tensor, "B C"]:
    """Add up the values of the pixels of each class of each image."""
    sums = values.new_zeros(len(values), count)
    return sums.scatter_add(1, classes.flatten(1), values.flatten(1))


def segment_loss(objective: nn.Module, batch: Batch) -> Loss:
    """The loss of a batch of images, over its images; both parts are in metrics.jsonl too."""
    pixels, dice = objective(batch.images, batch.masks)
    logs = {"pixel_loss": pixels.item(), "dice_loss": dice.item()}
    return Loss(pixels + dice, float(len(batch.masks)), logs=logs)


def as_masks(logits: Float[Tensor, "B C H W"]) -> Tensor:
    """Return the likeliest class of each pixel, uint8 [B, H, W]."""
    return logits.argmax(1).to(torch.uint8)
