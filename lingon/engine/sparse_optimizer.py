"""An optimizer for large embedding tables, of which each step uses few rows."""

from collections.abc import Iterable

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int, Tensor
from lingon.kernels.jit import kernel


def row_adagrad(model: nn.Module, lr: float) -> "RowAdagrad":
    """Return RowAdagrad for all parameters of a model."""
    return RowAdagrad(model.parameters(), lr)


class RowAdagrad(Optimizer):
    """Adagrad (Duchi 2011) with one step size per row of a matrix: rare rows take larger steps.

        s_r += mean_c g_rc^2;    w_rc -= lr * g_rc / (sqrt(s_r) + eps)

    One sum per row (an n-gram), not per element (an n-gram and a class): it is no worse with many classes, the same
    with two, and needs 1/C of the memory. Each element of a one-dimensional parameter is a row.
    Gradients are dense, or sparse with one sparse axis, in which case only the rows that occur are updated.
    The results do not depend on the number of threads.
    """

    def __init__(self, parameters: Iterable, lr: float, eps: float = 1e-10):
        if not 0 < lr < float("inf"):
            raise UserError(f"learning rate is {lr}, expected a number above 0, such as 0.3")
        super().__init__(parameters, {"lr": lr, "eps": eps})

    @torch.no_grad()
    def step(self, closure=None):
        """Make one step along the gradients; return the loss of the closure, if given."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    if "sum" not in self.state[p]:
                        self.state[p]["sum"] = torch.zeros(len(p), dtype=p.dtype, device=p.device)
                    update = _sparse if p.grad.is_sparse else _dense
                    update(p, self.state[p]["sum"], group["lr"], group["eps"])
        return loss


def _dense(p: Tensor, sums: Float[Tensor, " R"], lr: float, eps: float) -> None:
    gradient = p.grad
    assert gradient is not None
    sums += gradient.square().flatten(1).mean(1) if p.ndim > 1 else gradient.square()
    p -= lr * gradient / (sums.sqrt() + eps).view(-1, *[1] * (p.ndim - 1))


def _sparse(p: Float[Tensor, "R C"], sums: Float[Tensor, " R"], lr: float, eps: float) -> None:
    assert p.grad is not None
    gradient = rows_once(p.grad)
    rows, values = gradient._indices()[0], gradient._values()
    if p.device.type == "cpu" and p.dtype == torch.float32 and p.is_contiguous():
        _walk(p.detach().numpy(), sums.numpy(), rows.numpy(), values.numpy(), np.float32(lr), np.float32(eps))
        return
    fresh = sums[rows] + values.square().mean(1)
    sums[rows] = fresh
    # Assignment, not index_add_: no row occurs twice, and it is many times faster.
    p[rows] = p[rows] - values * (lr / (fresh.sqrt() + eps))[:, None]


def rows_once(gradient: Tensor) -> Tensor:
    """Return a sparse gradient in which each row occurs once.

    PyTorch drops the flag that a gradient is coalesced when it assigns it to `.grad`, and would sort it again; checking
    that the rows ascend is cheaper. Raises UserError for more than one sparse axis.
    """
    if gradient.sparse_dim() != 1:
        raise UserError(f"a sparse gradient with {gradient.sparse_dim()} sparse axes; expected one, the rows")
    return gradient if gradient.is_coalesced() or _rising(gradient._indices()[0]) else gradient.coalesce()


def _rising(rows: Int[Tensor, " K"]) -> bool:
    return _rises(rows.numpy()) if rows.device.type == "cpu" else bool((rows.diff() > 0).all())


@kernel
def _rises(rows):
    for k in range(1, len(rows)):  # noqa: SIM110 - the compiler knows no generators
        if rows[k] <= rows[k - 1]:
            return False
    return True


@kernel
def _walk(table, sums, rows, values, lr, eps):
    classes = np.float32(table.shape[1])
    for k in range(len(rows)):
        row, square = rows[k], np.float32(0)
        for c in range(table.shape[1]):
            square += values[k, c] * values[k, c]
        sums[row] += square / classes
        step = lr / (np.sqrt(sums[row]) + eps)
        for c in range(table.shape[1]):
            table[row, c] -= step * values[k, c]
