"""From sentences as token ids to their tags and labels, in batches by length."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch

from lingon.core.check_finite import check_finite
from lingon.core.shapes import Float, Tensor
from lingon.data.batches import Column, text_batches
from lingon.kernels.fast_inference import autocast_for
from lingon.layers.crf import Transitions
from lingon.tasks.precision import EXACT
from lingon.tasks.tag.encoding import read_by
from lingon.tasks.tag.objective import losses_of

TOKENS_AT_ONCE = 8_192  # per batch: what two cores compute in about a second


class Decoded(NamedTuple):
    """Tags of sentences, as their numbers, probabilities of labels where there are some, log P of all tags of each
    sentence where that was asked for, and the loss of a word where the true tags were given, else NaN."""

    tags: list[list[int]]
    labels: Float[Tensor, "n C"] | None
    log_probabilities: Float[Tensor, " n"] | None
    loss: float


@torch.inference_mode()
def decode(
    model: Any,
    ids: Sequence[Sequence[int]],
    columns: Mapping[str, Column],
    forbidden: Transitions | None,
    *,
    pad: int,
    labels: int,
    device: torch.device,
    precision: str = EXACT,
    sure: bool = False,
    checked: bool = False,
) -> Decoded:
    """Return the predictions of a model for sentences, in their order.

    model: as it predicts. ids, columns: as it reads them, with tags and labels where the loss is wanted. forbidden:
    what the scheme of the tags does not allow. pad: its token. labels: C, 0 for none. precision: the one that the
    model is in. sure: with log P. checked: raise NotFinite for scores that are NaN or infinite, as those of broken
    weights are.
    """
    count, total, words = len(ids), 0.0, 0
    tags: list[list[int]] = [[] for _ in ids]
    of_labels = torch.empty(count, labels) if labels else None
    certain = torch.empty(count) if sure else None
    forbidden = None if forbidden is None else forbidden.to(device)
    batches = text_batches(ids, columns=columns, max_tokens=TOKENS_AT_ONCE, shuffle=False, pad=pad) if count else ()
    for batch in batches:
        here = batch.to(device)
        with autocast_for(precision):
            scores = model(**read_by(here))
        if checked:
            check_finite(scores.tags, "the model gave scores of tags")
        found = model.head.decode(scores.tags, here.words, forbidden)
        lengths = here.words.sum(1).tolist()
        for row, numbers, length in zip(batch.index.tolist(), found.tolist(), lengths, strict=True):
            tags[row] = numbers[:length]
        if of_labels is not None:
            of_labels[batch.index] = scores.labels.float().softmax(-1).cpu()
        if certain is not None:
            certain[batch.index] = model.head.log_probability(scores.tags, found, here.words).float().cpu()
        if "tags" in here:
            known = here.labels if "labels" in here else None
            loss, counted = losses_of(model.head, scores, here.tags, here.words, known)
            total, words = total + float(loss), words + int(counted)
    return Decoded(tags, of_labels, certain, total / words if words else float("nan"))
