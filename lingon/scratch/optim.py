"""Optimizers: the update of weights from their gradients."""

from collections.abc import Iterable

import numpy as np

from lingon.core.errors import UserError
from lingon.scratch.arguments import check_construction
from lingon.scratch.tensor import Tensor


class Optimizer:
    """Base class of optimizers: the parameters, and resetting their gradients."""

    def __init__(self, params: Iterable[Tensor], lr: float):
        if isinstance(params, Tensor) or not isinstance(params, Iterable):
            raise UserError(f"the argument 'params' is a list of arrays, not {type(params).__name__}; write [x]")
        self.params = list(params)
        if not self.params or not all(isinstance(p, Tensor) for p in self.params):
            raise UserError("an optimizer needs a list of arrays to change, such as model.parameters()")
        if any(not p.is_leaf for p in self.params):
            raise UserError("an optimizer changes leaves, and one of these arrays was computed from others")
        if not lr >= 0:
            raise UserError(f"lr: a learning rate of {lr}; expected 0 or more")
        self.lr = lr

    def zero_grad(self) -> None:
        """Reset the gradients of all parameters to None."""
        for p in self.params:
            p.grad = None

    def step(self) -> None:
        """Update every parameter that has a gradient."""
        for i, p in enumerate(self.params):
            if p.grad is not None:
                p.array[...] -= self.change(i, p, p.grad.array)
                p.memory.version += 1

    def change(self, i: int, p: Tensor, g: np.ndarray) -> np.ndarray:
        """Return what to subtract from parameter number `i`, whose gradient is g."""
        raise NotImplementedError


def _not_below_0(name: str, **sizes: float) -> None:
    for argument, size in sizes.items():
        if isinstance(size, bool) or not size >= 0:
            raise UserError(f"{name}(): the argument {argument!r} is 0 or more, not {size}")


@check_construction
class SGD(Optimizer):
    """Gradient descent, optionally with momentum, an accumulation of past gradients (Polyak, 1964)."""

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        momentum: float = 0.0,
        *,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ):
        super().__init__(params, lr)
        _not_below_0("SGD", momentum=momentum, weight_decay=weight_decay)
        if nesterov and not momentum:
            raise UserError("SGD(): nesterov=True needs a momentum above 0")
        self.momentum, self.weight_decay, self.nesterov = momentum, weight_decay, nesterov
        self.speed: dict[int, np.ndarray] = {}

    def change(self, i: int, p: Tensor, g: np.ndarray) -> np.ndarray:
        g = g + self.weight_decay * p.array if self.weight_decay else g
        if self.momentum:
            self.speed[i] = self.momentum * self.speed[i] + g if i in self.speed else g.copy()
            g = g + self.momentum * self.speed[i] if self.nesterov else self.speed[i]
        return self.lr * g


@check_construction
class Adam(Optimizer):
    """Adam: the running mean of gradients divided by their running root mean square (Kingma and Ba, 2015)."""

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        super().__init__(params, lr)
        _not_below_0("Adam", eps=eps, weight_decay=weight_decay)
        if not isinstance(betas, list | tuple) or len(betas) != 2 or not all(isinstance(b, float | int) for b in betas):
            raise UserError(f"Adam(): the argument 'betas' is two shares, not {betas!r}")
        if not all(0 <= beta < 1 for beta in betas):
            raise UserError(f"betas of {betas}; expected two shares from 0 to below 1")
        self.betas, self.eps, self.weight_decay = betas, eps, weight_decay
        self.means: dict[int, tuple[int, np.ndarray, np.ndarray]] = {}

    def change(self, i: int, p: Tensor, g: np.ndarray) -> np.ndarray:
        g = g + self.weight_decay * p.array if self.weight_decay else g
        steps, mean, square = self.means.get(i, (0, np.zeros_like(g), np.zeros_like(g)))
        (a, b), steps = self.betas, steps + 1
        mean, square = a * mean + (1 - a) * g, b * square + (1 - b) * g * g
        self.means[i] = (steps, mean, square)
        # Bias correction: the running means start at 0.
        return self.lr / (1 - a**steps) * mean / (np.sqrt(square) / (1 - b**steps) ** 0.5 + self.eps)
