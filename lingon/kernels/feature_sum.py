"""The sum of a set of table rows for each text, with a gradient that holds only the rows that were used."""

import numpy as np
import torch

from lingon.core.shapes import Float, Int, Tensor
from lingon.kernels.feature_keys import LOW, TEXT_BITS
from lingon.kernels.jit import kernel


def sum_rows(table: Float[Tensor, "R C"], keys: Int[Tensor, " M"], scale: Float[Tensor, " B"]) -> Float[Tensor, "B C"]:
    """Return rows b: scale[b] times the sum of the table rows in the set of text b.

    keys: `row << 32 | text`, rising, without repeats (see data/hashing.py). The gradient of the table is sparse and
    coalesced. Rows are added in rising order, so a result does not depend on threads.
    """
    return SumRows.apply(table, keys, scale)


class SumRows(torch.autograd.Function):
    """Compiled loops on the CPU for float32, torch operations elsewhere; both add in the same order."""

    @staticmethod
    def forward(ctx, table, keys, scale):
        ctx.save_for_backward(keys, scale)
        ctx.shape = table.shape
        out = torch.zeros(len(scale), table.shape[1], dtype=table.dtype, device=table.device)
        if _compiled(table):
            _gather(table.detach().numpy(), keys.numpy(), out.numpy())
        else:
            out.index_add_(0, keys & LOW, table[keys >> TEXT_BITS])
        return out * scale[:, None]

    @staticmethod
    def backward(ctx, gradient):
        keys, scale = ctx.saved_tensors
        scaled = (gradient * scale[:, None]).contiguous()
        rows, values = gradient_rows(keys, scaled)
        return (
            torch.sparse_coo_tensor(rows[None], values, ctx.shape, is_coalesced=True, check_invariants=False),
            None,
            None,
        )


def gradient_rows(
    keys: Int[Tensor, " M"], gradient: Float[Tensor, "B C"]
) -> tuple[Int[Tensor, " K"], Float[Tensor, "K C"]]:
    """Return the rows in `keys`, each once and rising, and for each the sum of the gradients of its texts."""
    if _compiled(gradient):
        rows = np.empty(len(keys), np.int64)
        values = np.zeros((len(keys), gradient.shape[1]), np.float32)
        count = _scatter(keys.numpy(), gradient.numpy(), rows, values)
        return torch.from_numpy(rows[:count]), torch.from_numpy(values[:count])
    rows, place = torch.unique_consecutive(keys >> TEXT_BITS, return_inverse=True)
    sums = torch.zeros(len(rows), gradient.shape[1], dtype=gradient.dtype, device=gradient.device)
    return rows, sums.index_add_(0, place, gradient[keys & LOW])


def _compiled(tensor: Tensor) -> bool:
    return tensor.device.type == "cpu" and tensor.dtype == torch.float32


@kernel
def _gather(table, keys, out):
    for k in range(len(keys)):
        row, text = keys[k] >> TEXT_BITS, keys[k] & LOW
        for c in range(table.shape[1]):
            out[text, c] += table[row, c]


@kernel
def _scatter(keys, gradient, rows, values):
    count = 0
    for k in range(len(keys)):
        row, text = keys[k] >> TEXT_BITS, keys[k] & LOW
        if count == 0 or rows[count - 1] != row:
            rows[count] = row
            count += 1
        for c in range(gradient.shape[1]):
            values[count - 1, c] += gradient[text, c]
    return count
