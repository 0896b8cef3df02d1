"""GPT-2: a decoder with LayerNorm and learned positions (Radford et al. 2019)."""

import torch
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.kernels.linear import Linear
from lingon.layers.cache import State
from lingon.layers.feedforward import FeedForward
from lingon.layers.transformer import Attention, Block, begun, looked_up, new_state, start, through


class GPT(nn.Module):
    """Predicts each token from all before it.

    context: the most tokens it sees. inner: width inside the feed-forward layers, 4 * width when 0. bias: of all
    linear layers and norms. tied: the embedding is also the matrix of the last layer.
    """

    def __init__(
        self,
        vocab_size: int,
        width: int = 128,
        depth: int = 4,
        heads: int = 4,
        context: int = 256,
        inner: int = 0,
        dropout: float = 0.0,
        bias: bool = True,
        tied: bool = True,
        epsilon: float = 1e-5,
    ):
        super().__init__()
        inner = inner or 4 * width
        self.sizes = {"vocab_size": vocab_size, "width": width, "depth": depth, "heads": heads, "context": context}
        self.sizes |= {"inner": inner, "dropout": dropout, "bias": bias, "tied": tied, "epsilon": epsilon}
        self.context = context
        self.embedding = nn.Embedding(vocab_size, width)
        self.positions = nn.Embedding(context, width)
        self.dropout = nn.Dropout(dropout)

        def norm() -> nn.LayerNorm:
            return nn.LayerNorm(width, eps=epsilon, bias=bias)

        def block() -> Block:
            attention = Attention(width, heads, bias=(bias, bias))
            return Block(attention, FeedForward(width, inner, bias=bias), (norm(), norm()), dropout=dropout)

        self.blocks = nn.ModuleList(block() for _ in range(depth))
        self.norm = norm()
        self.output = Linear(width, vocab_size, bias=False)
        if tied:
            self.output.weight = self.embedding.weight
        start(self, depth)

    def forward(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        """Logits of the token that follows each token."""
        return self.head(self.hidden(ids)[0])

    def hidden(
        self, ids: Int[Tensor, "B S"], state: State | None = None, real: Bool[Tensor, "B S"] | None = None
    ) -> tuple[Float[Tensor, "B S D"], State]:
        """What the last layer makes of each token, and the state after them.

        real: False where a shorter prompt is padded on the left. Raises UserError when the context is too short.
        """
        after, keep = begun(self, ids, state, real)
        places = after.positions(ids.shape[1])
        where = self.positions.weight[places] if isinstance(places, slice) else self.positions(places)
        x = self.dropout(looked_up(self.embedding, ids) + where)
        return self.norm(through(self.blocks, x, after, {}, keep)), after

    def head(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "... V"]:
        """Logits from what the last layer made."""
        return self.output(hidden)

    def new_state(
        self,
        batch: int,
        context: int | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> State:
        """The state before the first token. With a context, the memory for so many tokens is taken at once."""
        return new_state(self, batch, context, dtype, device)

    def config(self) -> dict:
        return self.sizes
