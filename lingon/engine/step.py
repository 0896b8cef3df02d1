"""One training step: the gradient of a group of batches is computed, checked, clipped and applied.

`fit` takes another function in place of `step` as its `update`; such a function can be built from the parts here.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch

from lingon.engine import distributed, gradient
from lingon.engine.batch_tree import count_rows, count_tokens, to_device
from lingon.engine.fsdp import Sharded
from lingon.engine.loss import NOTHING, LossFunction, weighted
from lingon.engine.optimizers import set_rates
from lingon.engine.trainer import Trainer

__all__ = ["MicroBatches", "StepResult", "Update", "accumulate", "apply_gradients", "step"]

MicroBatches = list[tuple[Any, float]]  # batches, each with its weight: 0 if it only keeps processes in step


class StepResult(NamedTuple):
    """Result of one step, over all its batches and all processes.

    total: the sum of the losses, over `count`. logs: more sums over `count`, by name.
    """

    total: float
    count: float  # type: ignore[assignment]  # a tuple has a method of this name
    examples: int
    tokens: int
    logs: Mapping[str, float] = NOTHING
    lr: float = 0.0
    grad_norm: float = 0.0

    @property
    def loss(self) -> float:
        """Return the mean loss."""
        return self.total / (self.count or 1.0)


Update = Callable[[Trainer, MicroBatches, LossFunction], StepResult]


def step(
    trainer: Trainer, group: MicroBatches, loss_fn: LossFunction, optimizer: torch.optim.Optimizer | None = None
) -> StepResult:
    """Update the weights once, by the gradient of a group of batches: of the sum of all losses / the sum of all counts.

    optimizer: updates only the parameters it holds; by default that of the trainer. A function passed to
    `fit(..., update=...)` in place of this one may call it several times, with other losses and optimizers. If such a
    function has a state, such as a second optimizer or model, it must be an object with `state_dict` and
    `load_state_dict`; the state becomes part of every checkpoint.

    Raises NotFinite when the loss or a gradient is NaN or infinite; the weights are then unchanged.
    """
    optimizer = optimizer or trainer.optimizer
    lr = set_rates(optimizer, trainer.config.schedule(trainer.state.step))
    optimizer.zero_grad()
    found, divisor = accumulate(trainer, group, loss_fn)
    norm = apply_gradients(trainer, optimizer, found.total, divisor / (found.count or 1.0))
    return found._replace(lr=lr, grad_norm=norm)


def accumulate(trainer: Trainer, group: MicroBatches, loss_fn: LossFunction) -> tuple[StepResult, float]:
    """Accumulate the gradients of a group of batches; return the sums over all processes, and the divisor used.

    The gradient of the mean is the accumulated gradient times divisor / count.
    """
    state = trainer.state
    rows, tokens = sum(count_rows(batch) for batch, weight in group if weight), 0
    total, count, divisor, logs = 0.0, 0.0, 1.0, dict.fromkeys(state.logs, 0.0)
    for i, (batch, weight) in enumerate(group):
        counted = count_rows(batch) if weight else 0
        with distributed.no_sync(trainer.model, i < len(group) - 1):
            with trainer.config.precision.autocast(trainer.device):
                batch = to_device(batch, trainer.device)
                loss = weighted(loss_fn, trainer.model, batch, trainer.carry, counted)
            if i == 0:  # an estimate if more batches follow; corrected when all counts are known
                divisor = (distributed.all_sum(loss.count)[0] or 1.0) * len(group)
            # Undoes the average over processes of DistributedDataParallel: the divisor covers all processes already.
            trainer.scaler.scale(loss.over(divisor / trainer.place.size)).backward()
        trainer.carry = loss.carry
        total, count = total + loss.value.item() * loss.weight, count + loss.count
        tokens += count_tokens(batch) if weight else 0
        logs |= {name: logs.get(name, 0.0) + value for name, value in loss.logs.items()}
    total, count, all_rows, all_tokens, *more = distributed.all_sum(total, count, rows, tokens, *logs.values())
    return StepResult(total, count, int(all_rows), int(all_tokens), dict(zip(logs, more, strict=True))), divisor


def apply_gradients(trainer: Trainer, optimizer: torch.optim.Optimizer, loss: float, factor: float) -> float:
    """Scale the gradients of an optimizer's parameters by `factor`, check, clip and apply them.

    Return their norm before clipping.
    """
    config, scaler = trainer.config, trainer.scaler
    scaler.unscale_(optimizer)
    found = gradient.gradients(trainer.weights_of(optimizer))
    gradient.scale(found, factor)
    norm = gradient.grad_norm(found)
    if isinstance(trainer.model, Sharded):  # each process has a shard of every gradient
        norm = torch.tensor(distributed.all_sum(float(norm) ** 2)[0] ** 0.5)
    # A finite norm means that all gradients are finite. In float16, infinite ones occur by design: the scaler skips
    # such steps.
    if not math.isfinite(float(norm)) or not math.isfinite(loss):
        error = gradient.nonfinite_error(trainer.unwrapped, trainer.state.step + 1, loss)
        if error and not (scaler.is_enabled() and math.isfinite(loss)):
            raise error
    if config.max_grad_norm is not None:
        gradient.clip_norm(found, norm, config.max_grad_norm)
    scaler.step(optimizer)
    scaler.update()
    return float(norm)
