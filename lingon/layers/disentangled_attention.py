"""Disentangled attention, with separate vectors for content and distance (He et al. 2021, "DeBERTa")."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch.nn.functional as F
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int, Tensor
from lingon.kernels.linear import OneDNNLinear
from lingon.layers.attention import attend
from lingon.layers.attention_mask import AttentionMask
from lingon.layers.packing import each_length, one_graph

C2P, P2C = "c2p", "p2c"  # content to position: a query with the distance of a key; position to content: the reverse


@dataclass(frozen=True)
class Distances:
    """The distances between the tokens of a text.

    vectors: one for each bucket of distances [R, D]. rows: the bucket of each query's distance to each key [T, T].
    """

    vectors: Float[Tensor, "R D"]
    rows: Int[Tensor, "T T"]


class DisentangledAttention(nn.Module):
    """softmax((q k^T + q p_k^T + p_q k^T) / sqrt((1 + n) K)) v, p from distances (section 3.1, equation 4).

    kinds: which n terms with distances there are: `c2p` (q p_k^T), `p2c` (p_q k^T). shared: vectors of distances are
    projected by the same matrices as those of tokens; otherwise by their own. dropout: of the vectors of distances, and
    of the attention weights.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        kinds: Sequence[str] = (C2P, P2C),
        shared: bool = True,
        dropout: tuple[float, float] = (0.0, 0.0),
    ):
        super().__init__()
        if width % heads:
            raise UserError(f"width {width} cannot be divided into {heads} heads of the same width")
        self.heads, self.kv_heads, self.head_width = heads, heads, width // heads
        self.kinds, self.shared = tuple(kinds), shared
        self.qkv = OneDNNLinear(width, 3 * width)
        self.out = OneDNNLinear(width, width)
        self.position_key = None if shared or C2P not in kinds else OneDNNLinear(width, width)
        self.position_query = None if shared or P2C not in kinds else OneDNNLinear(width, width)
        self.scale = ((1 + len(self.kinds)) * self.head_width) ** -0.5
        self.distance_dropout, self.dropout = dropout

    def forward(self, x: Float[Tensor, "B T D"], mask: AttentionMask, distances: Distances) -> Float[Tensor, "B T D"]:
        """Return the self-attention of x. mask: without a bias."""
        vectors = F.dropout(distances.vectors, self.distance_dropout, self.training)[None]
        as_queries, as_keys = self._of_distances(vectors)
        dropout = self.dropout if self.training else 0.0

        def mixed(*heads: Tensor) -> Float[Tensor, "B T H K"]:
            q, k, v = (part.transpose(1, 2) for part in heads)
            length = q.shape[2]
            bias = _bias(q, k, distances.rows[:length, :length], as_queries, as_keys) * self.scale
            own = mask if mask.lengths is None else mask.of_length(length)
            return attend(q, k, v, replace(own, bias=bias), self.scale, dropout=dropout).transpose(1, 2)

        heads = self.qkv(x).unflatten(-1, (-1, self.head_width)).chunk(3, 2)
        found = mixed(*heads) if mask.lengths is None else each_length(mixed, mask.lengths, *heads)
        return self.out(found.flatten(2))

    def _of_distances(self, vectors: Float[Tensor, "1 R D"]) -> tuple[Tensor | None, Tensor | None]:
        """Return the vectors of distances as queries and as keys [1, H, R, K]; None where no term needs them."""
        if self.shared:
            queries, keys, _ = self._in_heads(self.qkv(vectors)).chunk(3, 1)
            return queries if P2C in self.kinds else None, keys if C2P in self.kinds else None
        query, key = self.position_query, self.position_key
        return (
            None if query is None else self._in_heads(query(vectors)),
            None if key is None else self._in_heads(key(vectors)),
        )

    def _in_heads(self, x: Float[Tensor, "B S HK"]) -> Float[Tensor, "B H S K"]:
        return x.unflatten(-1, (-1, self.head_width)).transpose(1, 2)


def _bias(
    q: Tensor, k: Tensor, rows: Int[Tensor, "T T"], as_queries: Tensor | None, as_keys: Tensor | None
) -> Float[Tensor, "B H T T"]:
    """Return the bias of the distances, to be added to the scores before scaling."""
    rows, found = rows.expand(*q.shape[:2], -1, -1), []
    if as_keys is not None:
        found.append((q @ as_keys.transpose(-1, -2)).gather(-1, rows))
    if as_queries is not None:
        # Key first: row k has the scores of key k with all distances, from which those of each query are gathered.
        scores = k @ as_queries.transpose(-1, -2)
        found.append(scores.gather(-1, rows.transpose(-1, -2)).transpose(-1, -2))
    return sum(found[1:], found[0])


def near_distances(vectors: Float[Tensor, "R D"], bucket: Int[Tensor, "T T"], farthest: int | None) -> Distances:
    """Return the distances of a text. vectors: for buckets from -R/2 to R/2 - 1; other buckets are clamped to these.

    farthest: bound of the absolute buckets of this text; vectors beyond it are left out. None: use all.
    """
    span = len(vectors) // 2
    rows = (bucket + span).clamp(0, 2 * span - 1)
    if farthest is None or one_graph():  # the traced graph must serve all lengths
        return Distances(vectors, rows)
    reach = min(span, farthest)
    return Distances(vectors[span - reach : span + reach], rows - (span - reach))
