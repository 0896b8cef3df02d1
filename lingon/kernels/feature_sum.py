"""The weighted sum of table rows for each text, with a sparse gradient of the rows that were used."""

import numpy as np
import torch

from lingon.core.shapes import Float, Int, Tensor
from lingon.kernels.feature_keys import LOW, TEXT_BITS
from lingon.kernels.jit import kernel


def sum_rows(
    table: Float[Tensor, "R C"], keys: Int[Tensor, " M"], values: Float[Tensor, " M"], texts: int
) -> Float[Tensor, "texts C"]:
    """Return for each text the sum of value * table row over its keys.

    keys: `row << 32 | text`, ascending, without duplicates (see data/hashing.py). values: of each key; they get no
    gradient. The gradient of the table is sparse and coalesced. Rows are added in ascending order, so the result does
    not depend on the number of threads.
    """
    return SumRows.apply(table, keys, values, texts)


class SumRows(torch.autograd.Function):
    """Autograd function of `sum_rows`: compiled loops for float32 on the CPU, otherwise torch, in the same order."""

    @staticmethod
    def forward(ctx, table, keys, values, texts):
        ctx.save_for_backward(keys, values)
        ctx.shape = table.shape
        out = torch.zeros(texts, table.shape[1], dtype=table.dtype, device=table.device)
        if _compiled(table):
            _gather(table.detach().numpy(), keys.numpy(), values.numpy(), out.numpy())
        else:
            out.index_add_(0, keys & LOW, table[keys >> TEXT_BITS] * values[:, None])
        return out

    @staticmethod
    def backward(ctx, gradient):
        keys, values = ctx.saved_tensors
        rows, sums = gradient_rows(keys, values, gradient.contiguous())
        sparse = torch.sparse_coo_tensor(rows[None], sums, ctx.shape, is_coalesced=True, check_invariants=False)
        return sparse, None, None, None


def gradient_rows(
    keys: Int[Tensor, " M"], values: Float[Tensor, " M"], gradient: Float[Tensor, "B C"]
) -> tuple[Int[Tensor, " K"], Float[Tensor, "K C"]]:
    """Return the distinct rows in `keys`, ascending, and for each the sum of value * gradient over its texts."""
    if _compiled(gradient):
        rows = np.empty(len(keys), np.int64)
        found = np.zeros((len(keys), gradient.shape[1]), np.float32)
        count = _scatter(keys.numpy(), values.numpy(), gradient.numpy(), rows, found)
        return torch.from_numpy(rows[:count]), torch.from_numpy(found[:count])
    rows, place = torch.unique_consecutive(keys >> TEXT_BITS, return_inverse=True)
    sums = torch.zeros(len(rows), gradient.shape[1], dtype=gradient.dtype, device=gradient.device)
    return rows, sums.index_add_(0, place, gradient[keys & LOW] * values[:, None])


def _compiled(tensor: Tensor) -> bool:
    return tensor.device.type == "cpu" and tensor.dtype == torch.float32


@kernel
def _gather(table, keys, values, out):
    for k in range(len(keys)):
        row, text = keys[k] >> TEXT_BITS, keys[k] & LOW
        for c in range(table.shape[1]):
            out[text, c] += values[k] * table[row, c]


@kernel
def _scatter(keys, values, gradient, rows, sums):
    count = 0
    for k in range(len(keys)):
        row, text = keys[k] >> TEXT_BITS, keys[k] & LOW
        if count == 0 or rows[count - 1] != row:
            rows[count] = row
            count += 1
        for c in range(gradient.shape[1]):
            sums[count - 1, c] += values[k] * gradient[text, c]
    return count
