"""The loss of an answerer: where the answers begin and end, each a choice among the tokens of the window."""

from typing import Any

import torch
from torch import nn

from lingon.core.shapes import Float, Tensor
from lingon.data.batches import Batch
from lingon.engine.loss import Loss
from lingon.tasks.answer.encoding import in_passage


def logits_of(model: nn.Module, batch: Batch) -> Float[Tensor, "B T 2"]:
    """Return the logits of a batch, in float32; -inf where no answer can be."""
    found: Any = model(batch.ids, batch.mask, batch.token_types)
    able = in_passage(batch.passage, batch.ids.shape[1])
    return found.float().masked_fill(~able[..., None], -torch.inf)


def span_loss(logits: Float[Tensor, "B T 2"], batch: Batch) -> Loss:
    """Return the sum over the windows of the mean of -log p(start) and -log p(end).

    Of several answers to a question each counts as much as another, so one that two people gave counts twice.
    """
    targets = torch.stack([batch.starts, batch.ends], -1)
    there = targets >= 0
    picked = logits.log_softmax(1).gather(1, targets.clamp(min=0))
    of_windows = (picked * there).sum((1, 2)) / there.sum((1, 2))
    return Loss(-of_windows.sum(), float(len(batch)))


def answer_loss(model: nn.Module, batch: Batch) -> Loss:
    """Return the loss of a batch of windows."""
    return span_loss(logits_of(model, batch), batch)
