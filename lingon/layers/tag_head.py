"""The output layer of taggers: a linear layer over word vectors, optionally with a CRF over its scores."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.layers.crf import CRF, Transitions, violations, viterbi


class TagScores(NamedTuple):
    """Scores of the tags of each word, and of the labels of each sentence, if the model predicts labels."""

    tags: Float[Tensor, "B W K"]
    labels: Float[Tensor, "B C"] | None


class TagHead(nn.Module):
    """A linear layer with a loss and decoding, for each word separately or by a CRF for the whole sentence.

    width: D. tags: K.
    """

    def __init__(self, width: int, tags: int, crf: bool = False):
        super().__init__()
        self.output = nn.Linear(width, tags)
        nn.init.normal_(self.output.weight, std=0.02)
        nn.init.zeros_(self.output.bias)
        self.crf = CRF(tags) if crf else None

    @property
    def tags(self) -> int:
        """Return K, the number of tags."""
        return self.output.out_features

    def forward(self, x: Float[Tensor, "B W D"]) -> Float[Tensor, "B W K"]:
        """Return the score of each tag of each word."""
        return self.output(x)

    def loss(
        self, scores: Float[Tensor, "B W K"], tags: Int[Tensor, "B W"], words: Bool[Tensor, "B W"]
    ) -> tuple[Float[Tensor, ""], Int[Tensor, ""]]:
        """Return the sum of -log P(tags) over sentences, and the number of words summed over.

        words: True for words. A tag of K or more is unknown: its word is ignored, and with a CRF its whole sentence.
        """
        counts = words & (tags < self.tags)
        if self.crf is None:
            return F.cross_entropy(scores[counts].float(), tags[counts], reduction="sum"), counts.sum()
        whole = (counts == words).all(1)
        each = self.crf(scores, tags.clamp(max=self.tags - 1), words)
        return (each * whole).sum(), (words & whole[:, None]).sum()

    def log_probability(
        self, scores: Float[Tensor, "B W K"], tags: Int[Tensor, "B W"], words: Bool[Tensor, "B W"]
    ) -> Float[Tensor, " B"]:
        """Return log P(tags) of each sentence, for all its words jointly."""
        if self.crf is not None:
            return -self.crf(scores, tags, words)
        each = scores.float().log_softmax(-1).gather(2, tags[..., None])[..., 0]
        return (each * words).sum(1)

    def decode(
        self, scores: Float[Tensor, "B W K"], words: Bool[Tensor, "B W"], forbidden: Transitions | None = None
    ) -> Int[Tensor, "B W"]:
        """Return the likeliest allowed tags of each sentence; 0 for padding.

        forbidden: scores of transitions, 0 if the scheme allows them, else strongly negative.
        """
        scores = scores.float()
        if self.crf is not None:
            return viterbi(scores, words, Transitions(*(s.float() for s in self.crf.transitions)).plus(forbidden))
        tags = scores.argmax(-1) * words
        if forbidden is None or not bool((wrong := violations(tags, words, forbidden)).any()):
            return tags
        # If the likeliest tags are allowed, they are the likeliest allowed ones; few other sentences remain.
        return tags.index_put((wrong.nonzero()[:, 0],), viterbi(scores[wrong], words[wrong], forbidden))
