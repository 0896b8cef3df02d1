"""Attention of a recurrent decoder to its source: scores of the source tokens, a softmax, a weighted mean."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor
from lingon.kernels.linear import OneDNNLinear
from lingon.layers.attention_mask import AttentionMask
from lingon.layers.cross_attention_cache import LayerMemory


class AdditiveScore(nn.Module):
    """v . tanh(W q + U h) (Bahdanau et al. 2015, appendix A.1.2). width: of q. memory_width: of h. hidden: of v."""

    def __init__(self, width: int, memory_width: int, hidden: int):
        super().__init__()
        self.query, self.key = OneDNNLinear(width, hidden), OneDNNLinear(memory_width, hidden, bias=False)
        self.v = nn.Linear(hidden, 1, bias=False)

    def keys(self, memory: Float[Tensor, "M S E"]) -> Float[Tensor, "M S K"]:
        """Return U h, which is the same for all queries, computed once."""
        return self.key(memory)

    def forward(self, q: Float[Tensor, "M T D"], keys: Float[Tensor, "M S K"]) -> Float[Tensor, "M T S"]:
        """Return the score of each token of a source for each query."""
        return self.v(torch.tanh(self.query(q)[:, :, None] + keys[:, None]))[..., 0]


class MultiplicativeScore(nn.Module):
    """q . W h, "general" in Luong et al. 2015, section 3.1. width: of q; memory_width: of h."""

    def __init__(self, width: int, memory_width: int):
        super().__init__()
        self.key = OneDNNLinear(memory_width, width, bias=False)

    def keys(self, memory: Float[Tensor, "M S E"]) -> Float[Tensor, "M S D"]:
        """Return W h, computed once."""
        return self.key(memory)

    def forward(self, q: Float[Tensor, "M T D"], keys: Float[Tensor, "M S D"]) -> Float[Tensor, "M T S"]:
        """Return the score of each token of a source for each query."""
        return q @ keys.transpose(1, 2)


class DotScore(nn.Module):
    """q . h, "dot" in Luong et al. 2015, section 3.1; both have the same width."""

    def __init__(self, width: int, memory_width: int):
        super().__init__()
        if width != memory_width:
            raise UserError(
                f"a dot product needs one width, not {width} of the decoder and {memory_width} of the source; "
                "set hidden to an even number, or take the multiplicative score"
            )

    def keys(self, memory: Float[Tensor, "M S D"]) -> Float[Tensor, "M S D"]:
        """Return h itself."""
        return memory

    def forward(self, q: Float[Tensor, "M T D"], keys: Float[Tensor, "M S D"]) -> Float[Tensor, "M T S"]:
        """Return the score of each token of a source for each query."""
        return q @ keys.transpose(1, 2)


class RecurrentAttention(nn.Module):
    """tanh(W [c; q]), where c is the mean of the source's vectors, weighted by the softmax of their scores.

    score: an `AdditiveScore`, `MultiplicativeScore` or `DotScore`. width: of q and of the output. Source: Luong et al.
    2015, equation 5.
    """

    def __init__(self, score: nn.Module, width: int, memory_width: int):
        super().__init__()
        self.score: Any = score
        self.out = OneDNNLinear(width + memory_width, width, bias=False)

    def keys_values(self, memory: Float[Tensor, "M S E"]) -> tuple[Float[Tensor, "M 1 S K"], Float[Tensor, "M 1 S E"]]:
        """Return the keys of the scores, and the vectors to be averaged."""
        return self.score.keys(memory)[:, None], memory[:, None]

    def forward(self, q: Float[Tensor, "B T D"], memory: LayerMemory) -> Float[Tensor, "B T D"]:
        """Return the attentional vector of each query, which attends to the source of its row."""
        context = self._weights(q, memory) @ memory.values
        context = context if memory.rows is None else memory.rows.divided(context)
        return torch.tanh(self.out(torch.cat([context[:, 0], q], -1)))

    def weights(self, q: Float[Tensor, "B T D"], memory: LayerMemory) -> Float[Tensor, "B T S"]:
        """Return the attention weights of each query over the tokens of the source of its row."""
        found = self._weights(q, memory)
        return (found if memory.rows is None else memory.rows.divided(found))[:, 0]

    def _weights(self, q: Tensor, memory: LayerMemory) -> Float[Tensor, "M 1 C S"]:
        return masked_weights(lambda rows: self.score(rows, memory.keys[:, 0]), q, memory)


def masked_weights(
    score: Callable[[Tensor], Tensor], q: Float[Tensor, "B T D"], memory: LayerMemory
) -> Float[Tensor, "M 1 C S"]:
    """Return softmax(score(q)) over the tokens of each source; C is the number of queries of a source, in one row.

    score: a function of queries, [M, C, D] to [M, C, S].
    """
    rows = q[:, None] if memory.rows is None else memory.rows.gathered(q[:, None])
    scores, mask = score(rows[:, 0])[:, None].float(), (memory.mask or AttentionMask()).mask
    return (scores if mask is None else scores.masked_fill(~mask, -torch.inf)).softmax(-1)
