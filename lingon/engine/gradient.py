"""The gradient of all parameters: its norm, clipping, and which parameter is at fault when it is not finite."""

from collections.abc import Iterable

import torch
from torch import nn

from lingon.core.errors import NotFinite
from lingon.core.shapes import Float, Tensor
from lingon.engine.fsdp import local
from lingon.engine.sparse_optimizer import rows_once


def gradients(parameters: Iterable[nn.Parameter]) -> list[Tensor]:
    """Return the values of all gradients in this process, as views; sparse gradients are coalesced first."""
    found = []
    for p in parameters:
        if p.grad is None:
            continue
        if p.grad.is_sparse:
            p.grad = rows_once(p.grad)  # rows that occur twice must be summed before the norm is taken
            found.append(p.grad._values())
        else:
            found.append(local(p.grad))
    return found


@torch.no_grad()
def scale(gradients: list[Tensor], factor: float) -> None:
    """Multiply gradients by a number, in place."""
    if factor != 1 and gradients:
        torch._foreach_mul_(gradients, factor)


@torch.no_grad()
def grad_norm(gradients: list[Tensor]) -> Float[Tensor, ""]:
    """Return the Euclidean norm of all gradients as one vector."""
    if not gradients:
        return torch.zeros(())
    # What torch.nn.utils.get_total_norm does, without sorting the gradients by device in every step.
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))


@torch.no_grad()
def clip_norm(gradients: list[Tensor], norm: Float[Tensor, ""], max_norm: float) -> None:
    """Scale gradients of norm `norm`, in place, to a norm of at most `max_norm` (Pascanu 2013, algorithm 1)."""
    if float(norm) > max_norm:
        scale(gradients, max_norm / float(norm))


def nonfinite_error(model: nn.Module, step: int, loss: float) -> NotFinite | None:
    """Return an error that names the first parameter whose gradient is NaN or infinite; None if all are finite."""
    for name, p in model.named_parameters():
        if p.grad is None:
            continue
        values = p.grad._values() if p.grad.is_sparse else local(p.grad)
        if not values.isfinite().all():
            kind = "NaN" if values.isnan().any() else "infinite"
            return NotFinite(f"step {step}: the gradient of {name!r} is {kind} (loss {loss:.4g}); {ADVICE}")
    if loss - loss != 0:
        return NotFinite(f"step {step}: the loss is {loss}; {ADVICE}")
    return None


ADVICE = "lower the learning rate, or clip gradients. The weights were not changed by this step"
