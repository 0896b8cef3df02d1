"""The loss of a parser: of the head of each word, and of its relation to the true head."""

from typing import Any

import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.data.batches import Batch
from lingon.engine.loss import Loss
from lingon.layers.losses import IGNORED
from lingon.models.encoder_parser import ParserLogits


class ParseObjective(nn.Module):
    """A parser with its loss as one module, so that what wraps it sees the whole step."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model: Any = model

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        mask: Bool[Tensor, "B T"],
        first: Int[Tensor, "B W"],
        words: Bool[Tensor, "B W"],
        heads: Int[Tensor, "B W"],
        relations: Int[Tensor, "B W"],
    ) -> tuple[Float[Tensor, ""], Int[Tensor, ""]]:
        """Return the sum of the losses over words, and their number."""
        logits = self.model(ids, mask, first, words, heads)
        return loss_of(logits, words, heads, relations), words.sum()


def loss_of(
    logits: ParserLogits, words: Bool[Tensor, "B W"], heads: Int[Tensor, "B W"], relations: Int[Tensor, "B W"]
) -> Float[Tensor, ""]:
    """Return the sum over words of -log P(head) - log P(relation | true head) (Dozat and Manning 2017).

    relations: R or more for one that the parser does not know, which is not counted.
    """
    arcs = F.cross_entropy(logits.arcs[words].float(), heads[words], reduction="sum")
    known = relations.masked_fill(relations >= logits.relations.shape[-1], IGNORED)[words]
    own = F.cross_entropy(logits.relations[words].float(), known, reduction="sum", ignore_index=IGNORED)
    return arcs + own


def parse_loss(objective: nn.Module, batch: Batch) -> Loss:
    """The loss of a batch of sentences, over its words."""
    names = ("ids", "mask", "first", "words", "heads", "relations")
    total, count = objective(*(batch[name] for name in names))
    return Loss(total, float(count))
