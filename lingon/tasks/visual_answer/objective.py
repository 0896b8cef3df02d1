"""The loss of an answerer of questions on images: -log P of the true answer."""

from typing import Any

import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.data.batches import Batch
from lingon.engine.loss import Loss
from lingon.layers.losses import IGNORED


def logits_of(model: nn.Module, batch: Batch) -> Float[Tensor, "B Q C"]:
    """Return the logits of the answers to the questions of a batch, in float32."""
    found: Any = model(batch.images, batch.ids, batch.mask)
    return found.float()


def answer_loss(model: nn.Module, batch: Batch) -> Loss:
    """Return the sum of -log P(answer) over the questions whose answer is known, and their number."""
    logits, labels = logits_of(model, batch).flatten(0, 1), batch.labels.flatten()
    total = F.cross_entropy(logits, labels, reduction="sum", ignore_index=IGNORED)
    return Loss(total, float((labels != IGNORED).sum()))
