"""Adaptive softmax: frequent tokens first, rare ones in groups with smaller matrices, to save computation."""

from collections.abc import Sequence

from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int, Tensor


class AdaptiveSoftmax(nn.Module):
    """The output layer of a language model: exact log-probabilities over ids ordered by descending frequency.

    cutoffs: first ids of the groups of rarer ids, ascending. Group i has one entry in the first softmax and a matrix
    4^i times as narrow. Source: Grave et al. 2017, "Efficient softmax approximation for GPUs".
    """

    def __init__(self, width: int, vocab_size: int, cutoffs: Sequence[int]):
        super().__init__()
        if not cutoffs or sorted({*cutoffs}) != list(cutoffs) or not 0 < cutoffs[0] <= cutoffs[-1] < vocab_size:
            raise UserError(f"cutoffs are {[*cutoffs]}; expected rising ids below the {vocab_size} of the vocabulary")
        if width < 4 ** len(cutoffs):
            raise UserError(f"{len(cutoffs)} cutoffs need a width of at least {4 ** len(cutoffs)}, not {width}")
        self.vocab_size = vocab_size
        self.groups = nn.AdaptiveLogSoftmaxWithLoss(width, vocab_size, list(cutoffs))

    def forward(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "... V"]:
        """Return log-probabilities of all tokens, which can serve as logits."""
        flat = hidden.reshape(-1, hidden.shape[-1])
        return self.groups.log_prob(flat).reshape(*hidden.shape[:-1], self.vocab_size)

    def loss(self, hidden: Float[Tensor, "N D"], targets: Int[Tensor, " N"]) -> Float[Tensor, ""]:
        """Return the sum of -log p(target), without computing groups that contain no target."""
        return -self.groups(hidden, targets).output.sum()


def default_cutoffs(vocab_size: int) -> list[int]:
    """Return cutoffs for ids ordered by frequency: by Zipf's law, the first sixteenth makes up most of a text.

    >>> default_cutoffs(32_000)
    [2000, 8000]
    """
    return [max(1, vocab_size // 16), max(2, vocab_size // 4)]
