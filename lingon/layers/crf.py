"""A linear-chain conditional random field: a tag depends on the tag before it."""

from typing import NamedTuple

import torch
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor

FORBIDDEN = -1e4  # score of transitions that a scheme does not allow: finite, so that sums do not become NaN


class Transitions(NamedTuple):
    """Scores of tags at the start of a sentence [K], of pairs of successive tags [K, K], and at the end [K].

    pairs: the row is the first tag, the column the second.
    """

    start: Float[Tensor, " K"]
    pairs: Float[Tensor, "K K"]
    end: Float[Tensor, " K"]

    def to(self, device: torch.device) -> "Transitions":
        """Return the same scores on another device."""
        return Transitions(*(scores.to(device) for scores in self))

    def plus(self, other: "Transitions | None") -> "Transitions":
        """Return the sum with other scores; the same scores if `other` is None."""
        return self if other is None else Transitions(*(a + b for a, b in zip(self, other, strict=True)))


class CRF(nn.Module):
    """A conditional random field over tag sequences (Lafferty et al. 2001; Lample et al. 2016, section 2.2).

    A sequence y of a sentence with emissions e has the score start[y_1] + sum_t e_t[y_t] + sum_t pairs[y_t-1, y_t] +
    end[y_T], and the probability exp(score) / Z. tags: K. Transition scores are initialized to zero.
    """

    def __init__(self, tags: int):
        super().__init__()
        self.start = nn.Parameter(torch.zeros(tags))
        self.pairs = nn.Parameter(torch.zeros(tags, tags))
        self.end = nn.Parameter(torch.zeros(tags))

    @property
    def transitions(self) -> Transitions:
        return Transitions(self.start, self.pairs, self.end)

    def forward(
        self, emissions: Float[Tensor, "B W K"], tags: Int[Tensor, "B W"], mask: Bool[Tensor, "B W"]
    ) -> Float[Tensor, " B"]:
        """Return -log P(tags) of each sentence, in nats; 0 for a sentence without words.

        mask: True for words, which come before padding. Computed in float32 or float64.
        """
        emissions = emissions if emissions.dtype == torch.float64 else emissions.float()
        scores = Transitions(*(s.to(emissions.dtype) for s in self.transitions))
        return log_partition(emissions, mask, scores) - path_score(emissions, tags, mask, scores)


def path_score(
    emissions: Float[Tensor, "B W K"], tags: Int[Tensor, "B W"], mask: Bool[Tensor, "B W"], scores: Transitions
) -> Float[Tensor, " B"]:
    """Return the score of the tags of each sentence; 0 for one without words."""
    own = (emissions.gather(2, tags[..., None])[..., 0] * mask).sum(1)
    between = (scores.pairs[tags[:, :-1], tags[:, 1:]] * mask[:, 1:]).sum(1)
    last = tags.gather(1, (mask.sum(1, keepdim=True) - 1).clamp(min=0))[:, 0]
    return own + between + (scores.start[tags[:, 0]] + scores.end[last]) * mask[:, 0]


def log_partition(
    emissions: Float[Tensor, "B W K"], mask: Bool[Tensor, "B W"], scores: Transitions
) -> Float[Tensor, " B"]:
    """Return log Z, the log of the sum of exp(score) over all K^W sequences: the forward algorithm, O(W K^2)."""
    reached = scores.start + emissions[:, 0]  # [B, K]: log sum over all sequences up to here that end in each tag
    for t in range(1, emissions.shape[1]):
        after = (reached[:, :, None] + scores.pairs).logsumexp(1) + emissions[:, t]
        reached = torch.where(mask[:, t, None], after, reached)
    return (reached + scores.end).logsumexp(1) * mask[:, 0]


def viterbi(emissions: Float[Tensor, "B W K"], mask: Bool[Tensor, "B W"], scores: Transitions) -> Int[Tensor, "B W"]:
    """Return the tag sequence with the highest score for each sentence; 0 for padding (Viterbi 1967)."""
    words = emissions.shape[1]
    best, came_from = scores.start + emissions[:, 0], []
    for t in range(1, words):
        highest, previous = (best[:, :, None] + scores.pairs).max(1)
        best = torch.where(mask[:, t, None], highest + emissions[:, t], best)
        came_from.append(previous)
    tag = (best + scores.end).argmax(1)
    found = [tag]
    for t in range(words - 1, 0, -1):
        tag = torch.where(mask[:, t], came_from[t - 1].gather(1, tag[:, None])[:, 0], tag)
        found.append(tag)
    return torch.stack(found[::-1], 1) * mask


def violations(tags: Int[Tensor, "B W"], mask: Bool[Tensor, "B W"], forbidden: Transitions) -> Bool[Tensor, " B"]:
    """Return which sentences contain forbidden tags or transitions. forbidden: scores, 0 where allowed."""
    nothing = torch.zeros(*tags.shape, len(forbidden.start), device=tags.device)
    return path_score(nothing, tags, mask, forbidden) < 0
