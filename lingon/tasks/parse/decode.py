"""From the scores of a parser to trees: the best heads that are a tree, and the best relation of each arc."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from lingon.core.check_finite import check_finite
from lingon.core.shapes import Bool, Int, Tensor
from lingon.data.batches import Batch, FirstPieces, text_batches
from lingon.data.tokenizers import WordPieces
from lingon.decoding.spanning_tree import best_heads
from lingon.kernels.fast_inference import autocast_for
from lingon.metrics.attachment import universal
from lingon.models.encoder_parser import WordStates
from lingon.tasks.precision import View

TOKENS_AT_ONCE = 8_192  # per batch: what two cores compute in about a second
ROOT = "root"  # the relation of the root, which no other word has


class Decoded(NamedTuple):
    """A tree: heads from 1, 0 for the root; relations; and P of each word's head and relation together."""

    heads: list[int]
    relations: list[str]
    probabilities: list[float]

    @classmethod
    def empty(cls) -> "Decoded":
        """Return the tree of no words."""
        return cls([], [], [])


@torch.inference_mode()
def decode(view: View, pieces: WordPieces, relations: Sequence[str], pad: int, device: torch.device) -> list[Decoded]:
    """Return the tree of each sentence, which has words, in their order. Raises NotFinite for those of broken weights.

    The heads are the maximum spanning tree of the logits with one root (`lingon.decoding.spanning_tree`).
    """
    out: list[Decoded] = [Decoded.empty()] * len(pieces.ids)
    if not out:
        return out
    root = torch.tensor([universal(name) == ROOT for name in relations], device=device)
    columns = {"first": FirstPieces(pieces.first)}
    for batch in text_batches(pieces.ids, columns=columns, max_tokens=TOKENS_AT_ONCE, shuffle=False, pad=pad):
        lengths, rows = batch.words.sum(1), batch.index.tolist()
        for row, length, found in zip(
            rows, lengths.tolist(), _trees(view, batch.to(device), lengths, root), strict=True
        ):
            heads, numbers, sure = (values[:length].tolist() for values in found)
            out[row] = Decoded(heads, [relations[i] for i in numbers], sure)
    return out


def _trees(
    view: View, batch: Batch, lengths: Int[Tensor, " B"], root: Bool[Tensor, " R"]
) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Return heads, numbers of relations and probabilities of the words of each sentence of a batch."""
    model = view.model
    with autocast_for(view.precision):
        found = model.states(batch.ids, batch.mask, batch.first)
    states = WordStates(*(part.float() for part in found))  # the scores of arcs are exact, whatever the encoder is
    arcs = model.arc_logits(states, batch.words).float()
    check_finite(arcs[batch.words][:, 0], "the parser gave logits")
    heads = torch.from_numpy(best_heads(arcs.cpu().numpy(), lengths.numpy().astype(np.int64))).to(arcs.device)
    logits = model.relation_logits(states, heads).float()
    if root.any() and not root.all():
        logits = logits.masked_fill(root != (heads == 0)[..., None], -torch.inf)
    best = logits.log_softmax(-1).max(-1)
    sure = (arcs.log_softmax(-1).gather(-1, heads[..., None])[..., 0] + best.values).exp()
    return list(zip(heads.cpu(), best.indices.cpu(), sure.cpu(), strict=True))
