"""The loss of a captioner: -log p of each token of a caption, after those before it and the image."""

from typing import Any

from torch import nn

from lingon.core.shapes import Float, Int, Tensor
from lingon.data.batches import Batch
from lingon.engine.loss import Loss
from lingon.layers.losses import IGNORED
from lingon.models.encoder_decoder import shifted_right
from lingon.tasks.translate.objective import in_chunks


class CaptionObjective(nn.Module):
    """A captioner with the loss it is trained by, as one module, so that what wraps it sees the whole step.

    label_smoothing: the part of each token that all tokens share.
    """

    def __init__(self, model: nn.Module, label_smoothing: float = 0.0):
        super().__init__()
        self.model: Any = model
        self.label_smoothing = label_smoothing

    def forward(self, images: Float[Tensor, "B C H W"], targets: Int[Tensor, "B T"]) -> Float[Tensor, ""]:
        """Return the sum of the losses of all targets that are not IGNORED."""
        hidden = self.model(images, shifted_right(targets, self.model.start_id, self.model.pad_id))
        kept = targets != IGNORED
        return in_chunks(self.model, hidden[kept], targets[kept], self.label_smoothing)


def caption_loss(objective: nn.Module, batch: Batch) -> Loss:
    """Return the loss of a batch of captions, over their tokens."""
    targets = batch.target_ids.masked_fill(~batch.target_mask, IGNORED)
    return Loss(objective(batch.images, targets), float(batch.target_mask.sum()))
