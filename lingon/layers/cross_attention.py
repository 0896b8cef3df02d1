"""Attention from a target to its source, whose keys and values are computed once and can be shared by several rows."""

from typing import Any

import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.eval_view import eval_view
from lingon.core.shapes import Float, Int, Tensor
from lingon.kernels.linear import OneDNNLinear
from lingon.layers.attention import attend
from lingon.layers.attention_mask import AttentionMask
from lingon.layers.cross_attention_cache import LayerMemory


class CrossAttention(nn.Module):
    """softmax(q k^T * scale) v with queries of the target and keys and values of the source, in `heads` heads.

    memory_width: of the source's vectors; by default `width`. head_width: K; by default width / heads. scale: by
    default K ** -0.5. bias: of q, k and v, and of the output. dropout: fraction of the attention weights dropped in
    training. Source: Vaswani et al. 2017, section 3.2.3.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        memory_width: int | None = None,
        head_width: int | None = None,
        bias: tuple[bool, bool] = (True, True),
        scale: float | None = None,
        dropout: float = 0.0,
    ):
        super().__init__()
        if head_width is None and width % heads:
            raise UserError(f"width {width} cannot be divided into {heads} heads of the same width")
        self.heads, self.head_width, self.dropout = heads, head_width or width // heads, dropout
        self.scale = self.head_width**-0.5 if scale is None else scale
        inner = heads * self.head_width
        self.q = OneDNNLinear(width, inner, bias=bias[0])
        self.kv = OneDNNLinear(memory_width or width, 2 * inner, bias=bias[0])
        self.out = OneDNNLinear(inner, width, bias=bias[1])

    def keys_values(self, memory: Float[Tensor, "M S E"]) -> tuple[Float[Tensor, "M H S K"], Float[Tensor, "M H S K"]]:
        """Return the keys and the values of a memory."""
        keys, values = self._in_heads(self.kv(memory)).chunk(2, 1)
        return keys, values

    def forward(self, x: Float[Tensor, "B T D"], memory: LayerMemory) -> Float[Tensor, "B T D"]:
        """Return the attention of each token of x to the source of its row."""
        q = self._in_heads(self.q(x))
        rows, mask = memory.rows, memory.mask or AttentionMask()
        dropout = self.dropout if self.training else 0.0
        if memory.by_row is not None and q.shape[2] == 1:
            mixed = attend(q, memory.keys, memory.values, memory.by_row, self.scale)
            return self.out(mixed.transpose(1, 2).flatten(2))
        if rows is not None:
            q = rows.gathered(q)
        mixed = attend(q, memory.keys, memory.values, mask, self.scale, dropout=dropout)
        if rows is not None:
            mixed = rows.divided(mixed)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def weights(self, x: Float[Tensor, "B T D"], memory: LayerMemory) -> Float[Tensor, "B H T S"]:
        """Return the attention weights of each token of x over the tokens of the source of its row."""
        q, keys, mask = self._in_heads(self.q(x)), memory.keys, (memory.mask or AttentionMask()).mask
        if memory.rows is not None:
            numbers = memory.rows.numbers.to(keys.device)
            keys, mask = keys[numbers], None if mask is None else mask[numbers]
        scores = (q * self.scale @ keys.transpose(-1, -2)).float()
        return (scores if mask is None else scores.masked_fill(~mask, -torch.inf)).softmax(-1)

    def _in_heads(self, x: Float[Tensor, "B T HK"]) -> Float[Tensor, "B H T K"]:
        return x.unflatten(2, (-1, self.head_width)).transpose(1, 2)


@torch.no_grad()
def cross_attention_weights(
    model: nn.Module, source_ids: Int[Tensor, "1 S"], target_ids: Int[Tensor, "1 T"]
) -> Float[Tensor, "L H T S"]:
    """Return the attention weights of all `CrossAttention` layers for a source and a target, in evaluation mode."""
    view = eval_view(model)
    found = note_cross_attention(view)
    view(source_ids, torch.ones_like(source_ids, dtype=torch.bool), target_ids)
    return torch.cat(found)


def note_cross_attention(view: nn.Module) -> list[Tensor]:
    """Return a list to which each `CrossAttention` of an `eval_view` appends its weights [B, H, T, S] when run."""
    found = list[Tensor]()
    for part in view.modules():
        if isinstance(part, CrossAttention):
            part.__dict__["forward"] = _noting(part, found)
    return found


def _noting(part: CrossAttention, found: list[Tensor]) -> Any:
    """Return a `forward` of a layer that also records its attention weights."""

    def noted(x: Tensor, memory: LayerMemory) -> Tensor:
        found.append(part.weights(x, memory))
        return CrossAttention.forward(part, x, memory)

    return noted
