"""The loss of a tagger: of the tags of words, and of the label of their sentence, which counts as much as its words."""

from typing import Any

import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.data.batches import Batch
from lingon.engine.loss import Loss
from lingon.layers.tag_head import TagScores
from lingon.tasks.tag.encoding import read_by


class TagObjective(nn.Module):
    """A tagger with its loss as one module, so that what wraps it sees the whole step, that of a CRF too."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model: Any = model

    def forward(
        self, tags: Int[Tensor, "B W"], labels: Int[Tensor, " B"] | None = None, **read: Tensor
    ) -> tuple[Float[Tensor, ""], Int[Tensor, ""]]:
        """Return the sum of the losses over words, and their number. read: what the model reads."""
        return losses_of(self.model.head, self.model(**read), tags, read["words"], labels)


def losses_of(
    head: Any,
    scores: TagScores,
    tags: Int[Tensor, "B W"],
    words: Bool[Tensor, "B W"],
    labels: Int[Tensor, " B"] | None,
) -> tuple[Float[Tensor, ""], Int[Tensor, ""]]:
    """Return the sum of -log P(tags), with -log P(label) for each word of a sentence, and the number of words.

    So the mean over words is the mean loss of a tag plus a mean loss of a label, however batches are cut.
    """
    total, count = head.loss(scores.tags, tags, words)
    if scores.labels is None or labels is None:
        return total, count
    known = labels < scores.labels.shape[1]
    each = F.cross_entropy(scores.labels[known].float(), labels[known], reduction="none")
    return total + each @ words[known].sum(1).to(each.dtype), count


def tag_loss(objective: nn.Module, batch: Batch) -> Loss:
    """The loss of a batch of sentences, over its words."""
    labels = {"labels": batch.labels} if "labels" in batch else {}
    total, count = objective(batch.tags, **labels, **read_by(batch))
    return Loss(total, float(count))
