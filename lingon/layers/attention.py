"""Multi-head attention: self-attention, or cross-attention from one text to another."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor
from lingon.kernels.linear import OneDNNLinear, onednn_linear
from lingon.layers.attention_mask import AttentionMask
from lingon.layers.kv_cache import rows_of_owners, suits_row_attention
from lingon.layers.norm import RMSNorm
from lingon.layers.packing import each_length
from lingon.layers.rotary import Rotation, rotate

LayerCache = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]  # new keys and values -> all keys and values


class Attention(nn.Module):
    """softmax(q k^T * scale) v over the unmasked keys, in `heads` heads (Vaswani et al. 2017, section 3.2).

    kv_heads: number of heads of keys and values, each shared by heads / kv_heads queries (Ainslie et al. 2023, "GQA").
    head_width: K; by default width / heads. norms: applied to q and k of each head (Henry et al. 2020).
    scale: by default K ** -0.5. softcap: scores become cap * tanh(score / cap) (Gemma 2, section 2).
    bias: of q, k and v, and of the output. dropout: fraction of the attention weights dropped in training.
    The projections of q, k and v are one matrix, which is read once.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        kv_heads: int | None = None,
        head_width: int | None = None,
        bias: tuple[bool, bool] = (False, False),
        norms: tuple[RMSNorm, RMSNorm] | None = None,
        scale: float | None = None,
        softcap: float | None = None,
        dropout: float = 0.0,
    ):
        super().__init__()
        kv_heads = kv_heads or heads
        if heads % kv_heads:
            raise UserError(f"{heads} heads cannot share {kv_heads} heads of keys; kv_heads must divide heads")
        if head_width is None and width % heads:
            raise UserError(f"width {width} cannot be divided into {heads} heads of the same width")
        self.heads, self.kv_heads, self.head_width = heads, kv_heads, head_width or width // heads
        self.qkv = OneDNNLinear(width, (heads + 2 * kv_heads) * self.head_width, bias=bias[0])
        self.out = OneDNNLinear(heads * self.head_width, width, bias=bias[1])
        self.query_norm: nn.Module | None
        self.key_norm: nn.Module | None
        self.query_norm, self.key_norm = norms or (None, None)
        self.scale, self.softcap = self.head_width**-0.5 if scale is None else scale, softcap
        self.dropout = dropout

    def forward(
        self,
        x: Float[Tensor, "B S D"],
        mask: AttentionMask | None = None,
        *,
        memory: Float[Tensor, "B T D"] | None = None,
        cache: LayerCache | None = None,
        rotation: Rotation | None = None,
    ) -> Float[Tensor, "B S D"]:
        """Attend from x to itself, or to `memory` (cross-attention).

        mask: None for no masking. cache: takes the new keys and values [B, kv_heads, S, K] and returns all keys and
        values to attend to. rotation: rotary positions of the queries and keys of x.
        """
        batch, columns, _ = x.shape
        q, k, v = self._own(x, rotation) if memory is None else self._across(x, memory, rotation)
        if cache is not None:
            k, v = cache(k, v)
        mask = mask or AttentionMask()
        if mask.start:
            k, v = k[:, :, mask.start :], v[:, :, mask.start :]
        dropout = self.dropout if self.training else 0.0
        mixed = attend(q, k, v, mask, self.scale, self.softcap, dropout)
        return self.out(mixed.transpose(1, 2).reshape(batch, columns, -1))

    def _own(self, x: Tensor, rotation: Rotation | None) -> tuple[Tensor, Tensor, Tensor]:
        qkv = self._in_heads(self.qkv(x))
        # Queries and keys stay in one tensor as long as both are treated equally.
        if self.query_norm is None or self.key_norm is None:
            both, v = qkv.split([self.heads + self.kv_heads, self.kv_heads], 1)
        else:
            q, k, v = qkv.split([self.heads, self.kv_heads, self.kv_heads], 1)
            both = torch.cat([self.query_norm(q), self.key_norm(k)], 1)
        if rotation is not None:
            both = rotate(both, rotation)
        q, k = both.split([self.heads, self.kv_heads], 1)
        return q, k, v

    def _across(self, x: Tensor, memory: Tensor, rotation: Rotation | None) -> tuple[Tensor, Tensor, Tensor]:
        if rotation is not None:
            raise UserError("rotations say how far apart two tokens of one text are; attention to a memory has none")
        rows = self.heads * self.head_width
        (wq, wkv), bias = self.qkv.weight.tensor_split([rows]), self.qkv.bias
        bq, bkv = (None, None) if bias is None else bias.tensor_split([rows])
        q, kv = self._in_heads(onednn_linear(x, wq, bq)), self._in_heads(onednn_linear(memory, wkv, bkv))
        k, v = kv.split([self.kv_heads, self.kv_heads], 1)
        if self.query_norm is not None and self.key_norm is not None:
            q, k = self.query_norm(q), self.key_norm(k)
        return q, k, v

    def _in_heads(self, x: Float[Tensor, "B S HK"]) -> Float[Tensor, "B H S K"]:
        return x.view(*x.shape[:2], -1, self.head_width).transpose(1, 2)


def attend(
    q: Float[Tensor, "B H S K"],
    k: Float[Tensor, "M G T K"],
    v: Float[Tensor, "M G T K"],
    mask: AttentionMask,
    scale: float,
    softcap: float | None = None,
    dropout: float = 0.0,
) -> Float[Tensor, "B H S K"]:
    """Return attention of H heads of queries to G heads of keys, G dividing H. M is B unless the mask has `owners`."""
    if mask.lengths is not None:
        return _attend_packed(q, k, v, mask, mask.lengths, scale, softcap, dropout)
    if mask.owners is not None:
        return _attend_shared(q, k, v, mask, mask.owners, scale, softcap, dropout)
    batch, heads, columns, width = q.shape
    queries = heads // k.shape[1]
    if columns == 1 and queries > 1 and softcap is None and mask.bias is None:
        # All queries that share a head of keys form one matrix, so that the keys need not be repeated.
        q = q.reshape(batch, k.shape[1], queries, width)
        out = F.scaled_dot_product_attention(q, k, v, mask.mask, dropout, scale=scale)
        return out.reshape(batch, heads, 1, width)
    if queries > 1:
        k, v = (t[:, :, None].expand(-1, -1, queries, -1, -1).flatten(1, 2) for t in (k, v))
    if softcap is not None or _plain_is_faster(q, k):
        return _plain(q, k, v, mask, scale, softcap, dropout)
    return F.scaled_dot_product_attention(q, k, v, mask.added(q.dtype), dropout, is_causal=mask.causal, scale=scale)


def _attend_packed(
    q, k, v, mask: AttentionMask, lengths: Sequence[int], scale: float, softcap: float | None, dropout: float
) -> Tensor:
    """Return attention within each of the packed texts of one row."""

    def of_one_length(*heads: Tensor) -> Tensor:
        q, k, v = (x.transpose(1, 2) for x in heads)
        return attend(q, k, v, mask.of_length(q.shape[2]), scale, softcap, dropout).transpose(1, 2)

    return each_length(of_one_length, lengths, *(x.transpose(1, 2) for x in (q, k, v))).transpose(1, 2)


def _attend_shared(
    q, k, v, mask: AttentionMask, owners: Tensor, scale: float, softcap: float | None, dropout: float
) -> Tensor:
    """Return attention to keys that rows share: each column is read from the row that owns it."""
    batch, heads, columns, _ = q.shape
    owners = owners[:, -k.shape[2] :]
    if columns > 1 or softcap is not None or dropout or not suits_row_attention(k, batch):
        alone = replace(mask, owners=None)
        return attend(q, rows_of_owners(k, owners), rows_of_owners(v, owners), alone, scale, softcap, dropout)
    from lingon.kernels.row_attention import row_attention

    bias, seen = mask.bias, mask.mask
    bias = q.new_zeros(1, 1, 1, 1) if bias is None else bias
    if seen is not None:
        bias = bias.masked_fill(~seen, -torch.inf)
    return row_attention(q[:, :, 0], k, v, owners, bias.expand(batch, heads, 1, k.shape[2])[:, :, 0], scale)[:, :, None]


def _plain_is_faster(q: Tensor, k: Tensor) -> bool:
    """Return whether this is training in bfloat16 on a CPU, where PyTorch's fused attention takes twice as long."""
    trained = torch.is_grad_enabled() and q.device.type == "cpu" and torch.is_autocast_enabled("cpu")
    return trained and q.shape[-2] * k.shape[-2] <= 1 << 20


def _plain(q, k, v, mask: AttentionMask, scale: float, softcap: float | None, dropout: float) -> Tensor:
    scores = q * scale @ k.transpose(-1, -2)
    if softcap is not None:
        scores = softcap * (scores / softcap).tanh()
    if mask.bias is not None:
        scores = scores + mask.bias
    attention_mask = mask.mask
    if mask.causal:
        attention_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).tril()
    if attention_mask is not None:
        scores = scores.masked_fill(~attention_mask, -torch.inf)
    return F.dropout(scores.softmax(-1), dropout) @ v
