"""Attention of one query per row to keys that may belong to other rows, so that beams share keys without copies.

PyTorch's fused attention is made for many queries. With one query in each of many rows it calls a matrix product for
every row and head, and it needs the keys of each row to be contiguous, so that beams would be copied at each step.
"""

import numpy as np
import torch

from lingon.core.shapes import Float, Int, Tensor
from lingon.kernels.jit import fast_kernel
from lingon.kernels.row_threads import over_rows

F = np.float32


def row_attention(
    q: Float[Tensor, "B H K"],
    k: Float[Tensor, "M G T K"],
    v: Float[Tensor, "M G T K"],
    owners: Int[Tensor, "B T"],
    bias: Float[Tensor, "B H T"],
    scale: float,
) -> Float[Tensor, "B H K"]:
    """Return softmax(q k^T * scale + bias) v, where row b reads column t of the keys and values of row owners[b, t].

    All are float32 on a CPU; G divides H; the last axis of k and v is contiguous. bias: -inf masks a key.
    """
    q = q.contiguous()
    out = torch.empty_like(q)
    keys, values = (x.as_strided((_extent(x),), (1,)).numpy() for x in (k, v))
    strides = np.array([k.stride()[:3], v.stride()[:3]])
    group = q.shape[1] // k.shape[1]
    rows = (q.numpy(), owners.numpy(), bias.numpy(), out.numpy())
    over_rows(lambda *some: _attend(*some, keys, values, strides, group, F(scale)), rows, q.shape[1] * owners.shape[1])
    return out


def _extent(x: Tensor) -> int:
    """Return the number of elements in memory from the first to the last element of x."""
    return 1 + sum((size - 1) * stride for size, stride in zip(x.shape, x.stride(), strict=True))


@fast_kernel
def _attend(q, owners, bias, out, keys, values, strides, group, scale):
    rows, heads, width = q.shape
    columns = owners.shape[1]
    scores, mixed = np.empty(columns, np.float32), np.empty(width, np.float32)
    for b in range(rows):
        for h in range(heads):
            query, most = q[b, h], F(-np.inf)
            for t in range(columns):
                start = owners[b, t] * strides[0, 0] + h // group * strides[0, 1] + t * strides[0, 2]
                key, score = keys[start : start + width], F(0)
                for i in range(width):
                    score += query[i] * key[i]
                scores[t] = max(score * scale + bias[b, h, t], F(-1e30))  # fastmath assumes that nothing is infinite
                most = max(most, scores[t])
            total = F(0)
            for t in range(columns):
                scores[t] = np.exp(scores[t] - most)
                total += scores[t]
            mixed[:] = F(0)
            for t in range(columns):
                start = owners[b, t] * strides[1, 0] + h // group * strides[1, 1] + t * strides[1, 2]
                value, weight = values[start : start + width], scores[t]
                for i in range(width):
                    mixed[i] += weight * value[i]
            for i in range(width):
                out[b, h, i] = mixed[i] / total
