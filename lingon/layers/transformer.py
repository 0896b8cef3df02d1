"""The blocks of a decoder: attention to what came before, then a feed-forward layer for each token."""

import math
from collections.abc import Callable, Iterable, Mapping

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.linear import Linear
from lingon.layers.cache import State, empty, reserved
from lingon.layers.norm import RMSNorm
from lingon.layers.position import Rotation, rotate
from lingon.layers.visible import Visible, visible

Write = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]  # new keys and values -> all there are


class Attention(nn.Module):
    """softmax(q k^T * scale) v over the visible tokens, in `heads` heads (Vaswani et al. 2017, section 3.2).

    kv_heads: keys and values have fewer heads, each shared by heads / kv_heads queries (Ainslie et al. 2023, "GQA").
    head_width: K; width / heads when not given. norms: what q and k of each head go through (Henry et al. 2020).
    scale: K ** -0.5 when not given. softcap: scores go through cap * tanh(score / cap) (Gemma 2, section 2).
    q, k and v are one matrix, which is read once; `bias` is theirs, and that of `out` is set by the model.
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
    ):
        super().__init__()
        kv_heads = kv_heads or heads
        if heads % kv_heads:
            raise UserError(f"{heads} heads cannot share {kv_heads} heads of keys; kv_heads must divide heads")
        if head_width is None and width % heads:
            raise UserError(f"width {width} cannot be divided into {heads} heads of the same width")
        self.heads, self.kv_heads, self.head_width = heads, kv_heads, head_width or width // heads
        self.qkv = Linear(width, (heads + 2 * kv_heads) * self.head_width, bias=bias[0])
        self.out = Linear(heads * self.head_width, width, bias=bias[1])
        self.query_norm, self.key_norm = norms or (None, None)
        self.scale, self.softcap = self.head_width**-0.5 if scale is None else scale, softcap
        self.dropout = 0.0

    def forward(
        self, x: Float[Tensor, "B S D"], rotation: Rotation | None, seen: Visible, write: Write
    ) -> Float[Tensor, "B S D"]:
        """write: takes the new keys and values [B, kv_heads, S, K], and gives those of the whole text."""
        batch, columns, _ = x.shape
        qkv = self.qkv(x).view(batch, columns, -1, self.head_width).transpose(1, 2)
        # Queries and keys stay together as long as the same is done to both.
        if self.query_norm is None:
            both, v = qkv.split([self.heads + self.kv_heads, self.kv_heads], 1)
        else:
            q, k, v = qkv.split([self.heads, self.kv_heads, self.kv_heads], 1)
            both = torch.cat([self.query_norm(q), self.key_norm(k)], 1)
        if rotation is not None:
            both = rotate(both, rotation)
        q, k = both.split([self.heads, self.kv_heads], 1)
        keys, values = write(k, v)
        if seen.start:
            keys, values = keys[:, :, seen.start :], values[:, :, seen.start :]
        dropout = self.dropout if self.training else 0.0
        mixed = attend(q, keys, values, seen, self.scale, self.softcap, dropout)
        return self.out(mixed.transpose(1, 2).reshape(batch, columns, -1))


def attend(
    q: Float[Tensor, "B H S K"],
    k: Float[Tensor, "B G T K"],
    v: Float[Tensor, "B G T K"],
    seen: Visible,
    scale: float,
    softcap: float | None = None,
    dropout: float = 0.0,
) -> Float[Tensor, "B H S K"]:
    """Attention of H heads of queries to G heads of keys, G dividing H."""
    batch, heads, columns, width = q.shape
    share = heads // k.shape[1]
    if columns == 1 and share > 1 and softcap is None:
        # All queries that share a head of keys are one matrix, and the keys need not be repeated.
        q = q.reshape(batch, k.shape[1], share, width)
        out = F.scaled_dot_product_attention(q, k, v, seen.mask, dropout, scale=scale)
        return out.reshape(batch, heads, 1, width)
    if share > 1:
        k, v = (t[:, :, None].expand(-1, -1, share, -1, -1).flatten(1, 2) for t in (k, v))
    if softcap is not None or _plain_is_faster(q, k):
        return _plain(q, k, v, seen, scale, softcap, dropout)
    return F.scaled_dot_product_attention(q, k, v, seen.mask, dropout, is_causal=seen.causal, scale=scale)


def _plain_is_faster(q: Tensor, k: Tensor) -> bool:
    """Whether this is training in bfloat16 on a CPU: PyTorch's fused attention takes twice as long there."""
    trained = torch.is_grad_enabled() and q.device.type == "cpu" and torch.is_autocast_enabled("cpu")
    return trained and q.shape[-2] * k.shape[-2] <= 1 << 20


def _plain(q, k, v, seen: Visible, scale: float, softcap: float | None, dropout: float) -> Float[Tensor, "B H S K"]:
    scores = q * scale @ k.transpose(-1, -2)
    if softcap is not None:
        scores = softcap * (scores / softcap).tanh()
    mask = seen.mask
    if seen.causal:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).tril()
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return F.dropout(scores.softmax(-1), dropout) @ v


class Block(nn.Module):
    """x + attention(norm(x)), then x + feed(norm(x)): norms come before (Xiong et al. 2020), and in Gemma after too.

    window: the block sees only so many tokens; None is all. rotary: the name of the rotation it uses.
    """

    def __init__(
        self,
        attention: Attention,
        feed: nn.Module,
        before: tuple[nn.Module, nn.Module],
        after: tuple[nn.Module, nn.Module] | None = None,
        dropout: float = 0.0,
        window: int | None = None,
        rotary: str | None = None,
    ):
        super().__init__()
        self.before_attention, self.before_feed = before
        self.after_attention, self.after_feed = after or (None, None)
        self.attention, self.feed = attention, feed
        self.dropout, self.window, self.rotary = dropout, window, rotary
        attention.dropout = dropout

    def forward(
        self, x: Float[Tensor, "B S D"], rotation: Rotation | None, seen: Visible, write: Write
    ) -> Float[Tensor, "B S D"]:
        y = self.attention(self.before_attention(x), rotation, seen, write)
        x = x + self._dropped(y if self.after_attention is None else self.after_attention(y))
        y = self.feed(self.before_feed(x))
        return x + self._dropped(y if self.after_feed is None else self.after_feed(y))

    def _dropped(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout) if self.dropout and self.training else x


def through(
    blocks: Iterable[Block],
    x: Float[Tensor, "B S D"],
    state: State,
    rotaries: Mapping[str, nn.Module] | nn.ModuleDict,
    keep: bool,
) -> Float[Tensor, "B S D"]:
    """x after all blocks. state: one that has been advanced by the S columns of x. keep: write to it."""
    columns = x.shape[1]
    positions = state.positions(columns)
    rotations = {name: rotary(positions, x) for name, rotary in rotaries.items()}
    views: dict[int | None, Visible] = {}
    for layer, block in enumerate(blocks):
        if block.window not in views:
            views[block.window] = visible(state, columns, block.window, x.device)
        write = _Writing(state, layer) if keep else _handed_on
        x = block(x, rotations.get(block.rotary), views[block.window], write)
    return x


class _Writing:
    """Where one layer puts its keys and values."""

    def __init__(self, state: State, layer: int):
        self.state, self.layer = state, layer

    def __call__(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        return self.state.write(self.layer, keys, values)


def _handed_on(keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    return keys, values


def begun(
    model: nn.Module, ids: Int[Tensor, "B S"], state: State | None, real: Bool[Tensor, "B S"] | None
) -> tuple[State, bool]:
    """The state that shall have read these ids, and whether keys and values are kept in it.

    In training nobody goes on from a state that was not asked for, so that none is kept.
    """
    if not ids.shape[1]:
        raise UserError("there are no tokens to read; give a prompt of one token at least")
    fresh = empty(len(model.blocks), model.context) if state is None else state
    return fresh.advance(ids.shape[1], real), state is not None or not model.training


def looked_up(embedding: nn.Embedding, ids: Int[Tensor, "B S"]) -> Float[Tensor, "B S D"]:
    """The vectors of ids. Raises UserError for an id that the model does not have."""
    try:
        return F.embedding(ids, embedding.weight)
    except IndexError:
        wrong = int(ids.max()) if int(ids.max()) >= len(embedding.weight) else int(ids.min())
        raise UserError(
            f"id {wrong} is outside the model's vocabulary of {len(embedding.weight):,}; use the tokenizer it came with"
        ) from None


def new_state(model: nn.Module, batch: int, context: int | None, dtype, device) -> State:
    """A state before the first token for a model made of `blocks`; see `GPT.new_state`."""
    if context is None:
        return empty(len(model.blocks), model.context)
    like, attention = model.norm.weight, model.blocks[0].attention
    shape = (batch, attention.kv_heads, min(context, model.context), attention.head_width)
    return reserved(len(model.blocks), shape, dtype or like.dtype, torch.device(device or like.device))


def start(model: nn.Module, depth: int) -> None:
    """Weights as GPT-2 begins (Radford et al. 2019, section 2.3): N(0, 0.02), less for what adds to the residual."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            adds = name.endswith((".out", ".down"))
            nn.init.normal_(module.weight, std=0.02 / math.sqrt(2 * depth) if adds else 0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
