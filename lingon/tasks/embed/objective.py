"""The losses of an encoder of texts: what is compared in a batch, by the kind of data that it learns from."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.data.batches import Batch
from lingon.engine.loss import Loss
from lingon.layers.contrastive_losses import cosent, cosine_mse, in_batch_negatives, matryoshka, supervised_contrastive

ABSENT = -2  # in place of the group of a hard negative that a pair has not
Texts = tuple[Tensor, Tensor]  # ids [B, T] and mask [B, T]
Compare = Callable[..., Tensor]  # (vectors of each column of texts [B, D], targets ...) -> sum of the losses


class Comparison(nn.Module):
    """An encoder with the loss of a batch of texts, as one module, so that what wraps it sees the whole step.

    pooled: makes one vector of those of a text's tokens. compare: the loss. pad: the id of padding.
    """

    def __init__(
        self,
        model: nn.Module,
        pooled: Callable[[Tensor, Tensor], Tensor],
        compare: Compare,
        columns: Sequence[str],
        pad: int = 0,
    ):
        super().__init__()
        self.model: Any = model
        self.columns, self.pad = list(columns), pad
        self._pooled, self._compare = pooled, compare

    def forward(self, texts: list[Texts], *targets: Tensor) -> Float[Tensor, ""]:
        """Return the sum of the losses of a batch. All its texts are encoded together."""
        longest = max(ids.shape[1] for ids, _ in texts)
        ids = torch.cat([F.pad(ids, (0, longest - ids.shape[1]), value=self.pad) for ids, _ in texts])
        mask = torch.cat([F.pad(mask, (0, longest - mask.shape[1])) for _, mask in texts])
        vectors = self._pooled(self.model(ids, mask), mask)
        return self._compare(vectors.chunk(len(texts)), *targets)


def comparison_loss(columns: Sequence[str], targets: Sequence[str]) -> Callable[[nn.Module, Batch], Loss]:
    """Return the loss of a batch, over its rows. columns: names of its texts; targets: of what is known of them."""

    def loss(module: nn.Module, batch: Batch) -> Loss:
        texts = [(batch[f"{name}_ids"], batch[f"{name}_mask"]) for name in columns]
        return Loss(module(texts, *(batch[name] for name in targets)), len(batch))

    return loss


def compare_by(loss: str, temperature: float | None, widths: Sequence[int]) -> Compare:
    """Return the loss of that name, of the vectors at full width or the mean over several widths."""
    makers: dict[str, Any] = {
        "cosent": _cosent,
        "cosine-mse": _cosine_mse,
        "in-batch-negatives": _in_batch,
        "supervised-contrastive": _supervised,
    }
    made = makers[loss] if temperature is None else partial(makers[loss], temperature=temperature)
    if not widths:
        return made
    return lambda vectors, *targets: matryoshka(lambda *cut: made(cut, *targets), widths, *vectors)


def _cosent(vectors: Sequence[Tensor], scores: Float[Tensor, " B"], temperature: float) -> Tensor:
    return cosent(vectors[0], vectors[1], scores, temperature) * len(scores)


def _cosine_mse(vectors: Sequence[Tensor], scores: Float[Tensor, " B"]) -> Tensor:
    return cosine_mse(vectors[0], vectors[1], scores)


def _supervised(vectors: Sequence[Tensor], labels: Int[Tensor, " B"], temperature: float) -> Tensor:
    return supervised_contrastive(vectors[0], labels, temperature)


def _in_batch(
    vectors: Sequence[Tensor], groups: Int[Tensor, " B"], of_negatives: Int[Tensor, "B K"], temperature: float
) -> Tensor:
    first, second, *hard = vectors
    negatives = torch.cat(hard) if hard else None
    return in_batch_negatives(first, second, negatives, temperature, excluded_of(groups, of_negatives))


def excluded_of(groups: Int[Tensor, " B"], of_negatives: Int[Tensor, "B K"]) -> Bool[Tensor, "B M"]:
    """Return which second texts, and then which hard negatives, M = B + K * B, say nothing against each first text.

    They are those of the same group, as they may belong to it too, but for its own; and those that are not there.
    groups: of each pair. of_negatives: the groups of the hard negatives of each pair, ABSENT where it has fewer than K.
    """
    own = torch.eye(len(groups), dtype=torch.bool, device=groups.device)
    seconds = (groups[:, None] == groups[None]) & ~own
    flat = of_negatives.T.reshape(1, -1)  # the first negatives of all pairs, then the second ones
    mine = own.repeat(1, of_negatives.shape[1])
    hard = ((groups[:, None] == flat) & ~mine) | (flat == ABSENT)
    return torch.cat([seconds, hard], 1)
