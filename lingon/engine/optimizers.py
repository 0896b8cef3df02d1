"""PyTorch's optimizers, fused, with weight decay for matrices only."""

import torch
from torch import nn
from torch.optim import Optimizer

from lingon.core.errors import UserError
from lingon.engine.param_groups import parameter_groups

__all__ = ["adagrad", "adam", "adamw", "sgd"]


def adamw(
    model: nn.Module,
    lr: float,
    weight_decay: float = 0.01,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> Optimizer:
    """Return AdamW (Loshchilov 2019): Adam with weight decay decoupled from the gradient."""
    _check(lr, weight_decay)
    return torch.optim.AdamW(parameter_groups(model, weight_decay), lr=lr, betas=betas, eps=eps, fused=_fusable(model))


def adam(model: nn.Module, lr: float, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8) -> Optimizer:
    """Return Adam (Kingma 2015), without weight decay."""
    _check(lr)
    return torch.optim.Adam(parameter_groups(model, 0.0), lr=lr, betas=betas, eps=eps, fused=_fusable(model))


def sgd(
    model: nn.Module, lr: float, momentum: float = 0.0, weight_decay: float = 0.0, nesterov: bool = False
) -> Optimizer:
    """Return stochastic gradient descent, optionally with momentum."""
    _check(lr, weight_decay)
    groups = parameter_groups(model, weight_decay)
    return torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=nesterov, fused=_fusable(model))


def adagrad(model: nn.Module, lr: float, weight_decay: float = 0.0) -> Optimizer:
    """Return Adagrad (Duchi 2011): the step size of each weight falls with the sum of its squared gradients."""
    _check(lr, weight_decay)
    return torch.optim.Adagrad(parameter_groups(model, weight_decay), lr=lr, fused=_on_cpu(model) and _fusable(model))


def set_rates(optimizer: Optimizer, factor: float) -> float:
    """Set the learning rate of each group to its initial one times `factor`; return that of the first group."""
    for group in optimizer.param_groups:
        group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor
    return optimizer.param_groups[0]["lr"]


def _fusable(model: nn.Module) -> bool:
    trained = [p for p in model.parameters() if p.requires_grad]
    return all(p.is_floating_point() and p.device.type in ("cpu", "cuda", "mps") for p in trained)


def _on_cpu(model: nn.Module) -> bool:
    return all(p.device.type == "cpu" for p in model.parameters())


def _check(lr: float, weight_decay: float = 0.0) -> None:
    if not 0 < lr < float("inf"):
        raise UserError(f"learning rate is {lr}, expected a number above 0, such as 1e-3")
    if not 0 <= weight_decay < float("inf"):
        raise UserError(f"weight decay is {weight_decay}, expected 0 or more, such as 0.01")
