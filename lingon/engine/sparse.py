"""An optimizer for large tables of which each step uses few rows."""

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import Optimizer

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int, Tensor


def row_adagrad(model: nn.Module, lr: float) -> "RowAdagrad":
    """RowAdagrad over all parameters of a model."""
    return RowAdagrad(model.parameters(), lr)


class RowAdagrad(Optimizer):
    """Adagrad (Duchi 2011) with one step size per row of a matrix: rows seldom met take long steps.

        s_r += mean_c g_rc^2;    w_rc -= lr * g_rc / (sqrt(s_r) + eps)

    One sum per row, not per number, because the classes of one n-gram are one matter: it is better with many classes,
    equal with two, and needs 1/C of the memory. Each number of a vector is a row of its own. Takes dense gradients, and
    sparse ones with one sparse axis, of which it touches only the rows that are there. The same on any threads.
    """

    def __init__(self, parameters: Iterable, lr: float, eps: float = 1e-10):
        if not 0 < lr < float("inf"):
            raise UserError(f"learning rate is {lr}, expected a number above 0, such as 0.3")
        super().__init__(parameters, {"lr": lr, "eps": eps})

    @torch.no_grad()
    def step(self, closure=None):
        """One step along the gradients; returns the closure's loss if there is one."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    sums = self.state[p].setdefault("sum", torch.zeros(len(p), dtype=p.dtype, device=p.device))
                    (_sparse if p.grad.is_sparse else _dense)(p, sums, group["lr"], group["eps"])
        return loss


def _dense(p: Tensor, sums: Float[Tensor, " R"], lr: float, eps: float) -> None:
    sums += p.grad.square().flatten(1).mean(1) if p.ndim > 1 else p.grad.square()
    p -= lr * p.grad / (sums.sqrt() + eps).view(-1, *[1] * (p.ndim - 1))


def _sparse(p: Float[Tensor, "R C"], sums: Float[Tensor, " R"], lr: float, eps: float) -> None:
    gradient = p.grad.coalesce()
    if gradient.sparse_dim() != 1:
        raise UserError(f"a sparse gradient with {gradient.sparse_dim()} sparse axes; expected one, the rows")
    rows: Int[Tensor, " K"] = gradient.indices()[0]
    values = gradient.values()
    fresh = sums[rows] + values.square().mean(1)
    sums[rows] = fresh
    # Assignment, not index_add_: no row comes twice, and it is many times faster.
    p[rows] = p[rows] - values * (lr / (fresh.sqrt() + eps))[:, None]
