"""The loss of both generators: each writes a training sentence again from what was kept of it."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from lingon.core.eval_view import eval_view
from lingon.core.shapes import Float, Int, Tensor
from lingon.data.batches import Batch
from lingon.engine.loss import Loss
from lingon.layers.losses import IGNORED, chunked_cross_entropy
from lingon.models.encoder_decoder import shifted_right


class Generators(nn.Module):
    """The generator that reads contents, and the one that reads contents and markers, as one module to be trained."""

    def __init__(self, delete: Any, delete_retrieve: Any):
        super().__init__()
        self.delete, self.delete_retrieve = delete, delete_retrieve

    def forward(
        self,
        delete_source: tuple[Int[Tensor, "B S"], Tensor],
        retrieve_source: tuple[Int[Tensor, "B R"], Tensor],
        targets: Int[Tensor, "B T"],
    ) -> Float[Tensor, "2"]:
        """Return the sum of -log p over the tokens of the targets by each. A source is its ids and mask."""
        pairs = ((self.delete, delete_source), (self.delete_retrieve, retrieve_source))
        return torch.stack([_nats(model, *source, targets) for model, source in pairs])


def _nats(model: Any, ids: Tensor, mask: Tensor, targets: Tensor) -> Float[Tensor, ""]:
    hidden = model(ids, mask, shifted_right(targets, model.start_id, model.pad_id))
    hidden, targets = hidden.flatten(0, 1), targets.flatten()
    output = getattr(model, "output", None)
    if isinstance(output, nn.Linear):
        return chunked_cross_entropy(hidden, output.weight, output.bias, targets, reduction="sum")
    return nn.functional.cross_entropy(model.head(hidden).float(), targets, reduction="sum", ignore_index=IGNORED)


def reconstruction(generators: nn.Module, batch: Batch) -> Float[Tensor, "2"]:
    """Return the sum of -log p of the sentences of a batch by each generator."""
    targets = batch.target_ids.masked_fill(~batch.target_mask, IGNORED)
    sources = (batch.delete_ids, batch.delete_mask), (batch.retrieve_ids, batch.retrieve_mask)
    return generators(*sources, targets)


def rewrite_loss(generators: nn.Module, batch: Batch) -> Loss:
    """Return the loss of a batch: the mean over the tokens of its sentences of what both generators lose."""
    delete, retrieve = reconstruction(generators, batch)
    return Loss(delete + retrieve, float(batch.target_mask.sum()))


def reconstruction_evaluator(batches: Sequence[Batch]) -> Callable[[nn.Module], dict[str, float]]:
    """Return a function of the generators: the loss for a token of the sentences of batches, the sum of both."""

    @torch.inference_mode()
    def evaluate(generators: nn.Module) -> dict[str, float]:
        view, device = eval_view(generators), next(generators.parameters()).device
        sums = [reconstruction(view, batch.to(device)).double().sum() for batch in batches]
        tokens = sum(int(batch.target_mask.sum()) for batch in batches)
        return {"loss": float(torch.stack(sums).sum()) / tokens}

    return evaluate
