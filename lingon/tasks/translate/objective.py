"""The loss of a translator: -log p of each token of the target, after those before it and the whole source."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.data.batches import Batch
from lingon.engine.loss import Loss
from lingon.layers.losses import CHUNK, IGNORED, chunked_cross_entropy
from lingon.models.encoder_decoder import shifted_right

TokenLoss = Callable[[Any, Float[Tensor, "N D"], Int[Tensor, " N"], float], Float[Tensor, ""]]


class TranslationObjective(nn.Module):
    """An encoder-decoder with the loss it is trained by, as one module, so that what wraps it sees the whole step.

    label_smoothing: the part of each target that all tokens share (Vaswani et al. 2017, section 5.4).
    """

    def __init__(self, model: nn.Module, label_smoothing: float = 0.0):
        super().__init__()
        self.model: Any = model
        self.label_smoothing = label_smoothing
        self.token_loss: TokenLoss = in_chunks if has_plain_head(model) else by_head

    def forward(
        self, source_ids: Int[Tensor, "B S"], source_mask: Bool[Tensor, "B S"], targets: Int[Tensor, "B T"]
    ) -> Float[Tensor, ""]:
        """Return the sum of the losses of all targets that are not IGNORED."""
        hidden = self.model(source_ids, source_mask, shifted_right(targets, self.model.start_id, self.model.pad_id))
        kept = targets != IGNORED
        return self.token_loss(self.model, hidden[kept], targets[kept], self.label_smoothing)


def pair_loss(objective: nn.Module, batch: Batch) -> Loss:
    """Return the loss of a batch of pairs, over the tokens of its targets."""
    targets = batch.target_ids.masked_fill(~batch.target_mask, IGNORED)
    return Loss(objective(batch.source_ids, batch.source_mask, targets), float(batch.target_mask.sum()))


def in_chunks(model: Any, hidden: Float[Tensor, "N D"], targets: Int[Tensor, " N"], smoothing: float) -> Tensor:
    """Return the sum of the losses by the matrix of the last layer, so that the logits never exist at once."""
    weight, bias = model.output.weight, model.output.bias
    return chunked_cross_entropy(hidden, weight, bias, targets, reduction="sum", label_smoothing=smoothing)


def by_head(model: Any, hidden: Float[Tensor, "N D"], targets: Int[Tensor, " N"], smoothing: float) -> Tensor:
    """Return the sum of the losses by the model's own way to logits, as many at a time as a few megabytes hold."""
    total, start, rows = hidden.new_zeros((), dtype=torch.float32), 0, 1
    while start < len(hidden):
        part = slice(start, start + rows)
        logits = model.head(hidden[part]).float()
        total = total + F.cross_entropy(logits, targets[part], reduction="sum", label_smoothing=smoothing)
        start, rows = start + rows, max(1, CHUNK // logits.shape[-1])
    return total


@torch.no_grad()
def has_plain_head(model: Any) -> bool:
    """Return whether logits are what the linear layer `output` makes of hidden states, and nothing else is done."""
    output = getattr(model, "output", None)
    if not isinstance(output, nn.Linear):
        return False
    tried = torch.linspace(-1, 1, output.in_features, device=output.weight.device)[None]
    return torch.equal(model.head(tried), output(tried))
