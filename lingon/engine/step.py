"""One step of the weights: the gradient of a group of batches, guarded, clipped and applied.

`fit` takes another function in place of `step`, its `update`; such a one is made of the parts here.
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

MicroBatches = list[tuple[Any, float]]  # batches, each with its weight: 0 when its rows are only there to keep pace


class StepResult(NamedTuple):
    """Result of one step, over all of its batches and all processes.

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
    """Update the weights once, by the gradient of a group of batches: the sum of all losses over the count of all.

    optimizer: updates the weights that it holds, and no others; that of the trainer when not given. A function that
    replaces this one in `fit(..., update=...)` may call it several times, with other losses and optimizers. What such
    a function keeps, a second optimizer or a second model, it gives out in `state_dict` and takes back in
    `load_state_dict`, and it becomes part of every checkpoint.

    Raises NotFinite when the loss or a gradient is NaN or infinite; the weights are then as before.
    """
    optimizer = optimizer or trainer.optimizer
    lr = set_rates(optimizer, trainer.config.schedule(trainer.state.step))
    optimizer.zero_grad()
    found, divisor = accumulate(trainer, group, loss_fn)
    norm = apply_gradients(trainer, optimizer, found.total, divisor / (found.count or 1.0))
    return found._replace(lr=lr, grad_norm=norm)


def accumulate(trainer: Trainer, group: MicroBatches, loss_fn: LossFunction) -> tuple[StepResult, float]:
    """Add up the gradients of a group of batches; gives the sums over all processes, and what they were divided by.

    The gradient of the mean is what was added up, times that divisor over the count.
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
            if i == 0:  # a guess where more batches follow; the gradient is set right once all counts are known
                divisor = (distributed.all_sum(loss.count)[0] or 1.0) * len(group)
            # DistributedDataParallel divides by the number of processes, which the count of all has already done.
            trainer.scaler.scale(loss.over(divisor / trainer.place.size)).backward()
        trainer.carry = loss.carry
        total, count = total + loss.value.item() * loss.weight, count + loss.count
        tokens += count_tokens(batch) if weight else 0
        logs |= {name: logs.get(name, 0.0) + value for name, value in loss.logs.items()}
    total, count, all_rows, all_tokens, *more = distributed.all_sum(total, count, rows, tokens, *logs.values())
    return StepResult(total, count, int(all_rows), int(all_tokens), dict(zip(logs, more, strict=True))), divisor


def apply_gradients(trainer: Trainer, optimizer: torch.optim.Optimizer, loss: float, factor: float) -> float:
    """Guard, clips and applies the gradients times `factor` of an optimizer's weights; gives their norm before."""
    config, scaler = trainer.config, trainer.scaler
    scaler.unscale_(optimizer)
    found = gradient.gradients(trainer.weights_of(optimizer))
    gradient.scale(found, factor)
    norm = gradient.grad_norm(found)
    if isinstance(trainer.model, Sharded):  # each process holds a part of every gradient
        norm = torch.tensor(distributed.all_sum(float(norm) ** 2)[0] ** 0.5)
    # One number tells that all is well. Float16 meets infinite gradients by design: its scaler skips such steps.
    if not math.isfinite(float(norm)) or not math.isfinite(loss):
        error = gradient.nonfinite_error(trainer.unwrapped, trainer.state.step + 1, loss)
        if error and not (scaler.is_enabled() and math.isfinite(loss)):
            raise error
    if config.max_grad_norm is not None:
        gradient.clip_norm(found, norm, config.max_grad_norm)
    scaler.step(optimizer)
    scaler.update()
    return float(norm)
