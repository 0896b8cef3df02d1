"""The training loop, the only one there is: it knows batches, a loss and an optimizer, and no task.

What surrounds the loop stands in files of its own: schedules, precision, averages, checkpoints, distribution.
"""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from lingon.core.errors import Interrupted, UserError
from lingon.core.progress import track
from lingon.core.shapes import Tensor
from lingon.engine import distributed, gradient
from lingon.engine.average import EMA, NT, SWA
from lingon.engine.interrupt import interruptible
from lingon.engine.loss import LossFunction, weighted
from lingon.engine.memory import explained, size_of
from lingon.engine.optim import set_rates
from lingon.engine.precision import Precision, float32
from lingon.engine.run import Run
from lingon.engine.schedule import Schedule, constant
from lingon.engine.sharding import Sharded
from lingon.engine.state import State, Training
from lingon.engine.threads import chosen, operations
from lingon.engine.watch import Watch


class BatchSource(Protocol):
    """Batches that can be saved and resumed, as `lingon.data.sampler.Batches`.

    Iteration yields what is left of the current epoch; a state counts every batch that was handed out.
    """

    epoch: int

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def set_epoch(self, epoch: int) -> None: ...
    def state_dict(self) -> dict: ...
    def load_state_dict(self, state: dict) -> None: ...


@dataclass(frozen=True)
class Plan:
    """How long and how to train; the end is whichever of epochs and steps comes first.

    epochs: passes over the data, such as 2.5. steps: updates of the weights. schedule: factor of the learning rate.
    clip: longest gradient. accumulate: batches per step; the gradient is that of one batch that holds them all,
    and the last step of an epoch takes the batches that are left. log_every: steps per row of metrics.jsonl.
    """

    epochs: float | None = None
    steps: int | None = None
    schedule: Schedule = field(default_factory=constant)
    clip: float | None = None
    accumulate: int = 1
    precision: Precision = field(default_factory=float32)
    average: EMA | SWA | NT | None = None
    log_every: int = 10

    def __post_init__(self):
        if self.epochs is None and self.steps is None:
            raise UserError("the plan has no end; give epochs, steps, or both")
        for name in ("epochs", "steps", "clip", "accumulate", "log_every"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise UserError(f"plan: {name} is {value}, expected more than 0")

    def total(self, batches: BatchSource) -> int:
        """Steps of the whole training, which schedules want to know."""
        per_epoch = -(-len(batches) // self.accumulate)
        ends = [] if self.steps is None else [self.steps]
        if self.epochs is not None:
            whole, part = divmod(self.epochs, 1)
            ends.append(int(whole) * per_epoch + math.ceil(round(part * per_epoch, 6)))
        return min(ends)


@dataclass(frozen=True)
class History:
    """What a training was like: the rows of metrics.jsonl, and how it ended."""

    rows: list[dict[str, Any]]
    steps: int
    epochs: float
    seconds: float
    examples: int
    best: dict[str, float] | None
    best_step: int | None
    stopped_early: bool


def fit(
    model: nn.Module,
    batches: BatchSource,
    loss_fn: LossFunction,
    optimizer: torch.optim.Optimizer,
    *,
    plan: Plan,
    watch: Watch | None = None,
    run: Run | None = None,
) -> History:
    """Trains a model. Afterwards it holds the best weights that `watch` saw; without `watch`, the last (averaged) ones.

    loss_fn: (model, batch) -> Loss(total, count), a sum and what it is a sum over; a bare scalar is taken for the mean
    over the batch's rows, which is wrong for one that is a mean over tokens. Once a Loss has a `carry`, the function is
    called with it as a third argument; the carry is part of every checkpoint, and with several processes each keeps its
    own, tensors of shape [rows, ...].
    optimizer: one of PyTorch, or anything with step, zero_grad, state_dict, load_state_dict and param_groups.
    With `run`, the training is recorded and saved there, and resumed when the run was opened to resume: the numbers
    are, bit for bit on the CPU, those of a training that was never stopped.

    Raises NotFinite when a loss or gradient is NaN or infinite, RunError when memory or disk are full,
    Interrupted after Ctrl-C, once the state is saved.
    """
    _check_parts(model, batches)
    if not len(batches):
        raise UserError("there are no batches to train on")
    training = Training(model, batches, optimizer, plan, watch, run)
    state, total = training.state, plan.total(batches)
    training.restore()
    model.train()
    with (
        track(total, "training", "step", done=state.step) as bar,
        interruptible(bar.say) as stop,
        contextlib.ExitStack() as stack,
    ):

        def settle(edge: bool = False) -> None:
            """What follows a step, or the edge of an epoch: evaluate, save, stop."""
            if watch and state.evaluated != state.step and (watch.every == "epoch" if edge else watch.due(state.step)):
                with explained(f"the evaluation after step {state.step}"):
                    training.evaluate(bar.say)
            asked, due = distributed.anyone(
                stop.asked, bool(run and training.place.rank == 0 and run.due(state.step, edge))
            )
            if asked or due:
                training.save()
            if asked:
                raise Interrupted(_farewell(run, state))

        threads = None
        while state.step < total and not state.stopped:
            for group in _groups(batches, plan.accumulate):
                if threads is None and training.on_cpu:
                    work = operations(training.bare, group[0][0], rows_of(group[0][0]))
                    threads = stack.enter_context(chosen(work, run, bar.say))
                with explained(f"step {state.step + 1}, {size_of(group)}"):
                    loss = step(training, group, loss_fn)
                bar.advance(loss=loss)
                settle()
                if state.step >= total or state.stopped:
                    break
            else:
                if not state.batch:
                    raise UserError("the batches of an epoch have come to an end before the first")
                state.epoch, state.batch = state.epoch + 1, 0
                batches.set_epoch(state.epoch)
                settle(edge=True)
        training.finish(bar.say)
    return history(training)


def _check_parts(model: Any, batches: Any) -> None:
    if not isinstance(model, nn.Module):
        raise UserError(f"fit trains a torch.nn.Module, not a {type(model).__name__}; give its model")
    lacking = [name for name in ("epoch", "set_epoch", "__len__", "__iter__") if not hasattr(batches, name)]
    if lacking:
        raise UserError(
            f"batches is a {type(batches).__name__}, which has no {lacking[0]}; give batches that can be resumed: of "
            "lingon.data, arrays.ArrayBatches(inputs, targets, rows=32) or sampler.Batches(ids, labels)"
        )


def history(training: Training) -> History:
    """What a training that has ended was like."""
    state = training.state
    return History(
        rows=training.rows,
        steps=state.step,
        epochs=state.epoch + state.batch / len(training.batches),
        seconds=state.seconds,
        examples=state.examples,
        best=state.best.metrics,
        best_step=state.best.step,
        stopped_early=state.stopped,
    )


def step(training: Training, group: list[Any], loss_fn: LossFunction) -> float:
    """One update of the weights from a group of batches; returns the loss: the sum of all over the count of all."""
    model, plan, state = training.model, training.plan, training.state
    lr = set_rates(training.optimizer, plan.schedule(state.step))
    training.optimizer.zero_grad()
    rows, tokens = sum(rows_of(batch) for batch, weight in group if weight), 0
    loss_sum, count, divisor, logs = 0.0, 0.0, 1.0, dict.fromkeys(state.logs, 0.0)
    for i, (batch, weight) in enumerate(group):
        counted = rows_of(batch) if weight else 0
        with distributed.hold(model, i < len(group) - 1):
            with plan.precision.autocast(training.device):
                batch = batch if training.on_cpu else batch.to(training.device)
                loss = weighted(loss_fn, model, batch, training.carry, counted)
            if i == 0:  # a guess where more batches follow; the gradient is set right once all counts are known
                divisor = (distributed.total(loss.count)[0] or 1.0) * len(group)
            # DistributedDataParallel divides by the number of processes, which the count of all has already done.
            training.scaler.scale(loss.over(divisor / training.place.size)).backward()
        training.carry = loss.carry
        loss_sum, count = loss_sum + loss.value.item() * loss.weight, count + loss.count
        tokens += tokens_of(batch) if weight else 0
        logs |= {name: logs.get(name, 0.0) + value for name, value in loss.logs.items()}
    loss_sum, count, examples, tokens, *more = distributed.total(loss_sum, count, rows, tokens, *logs.values())
    state.step += 1
    norm = update(training, loss_sum, divisor / (count or 1.0))
    state.batch += len(group)
    state.add(loss_sum, count, int(examples), int(tokens), dict(zip(logs, more, strict=True)))
    if state.step % plan.log_every == 0:
        training.log(lr, norm)
    return loss_sum / (count or 1.0)


def update(training: Training, loss: float, factor: float) -> float:
    """Guards, clips and applies the gradient times `factor`; returns its length before clipping."""
    plan, scaler = training.plan, training.scaler
    scaler.unscale_(training.optimizer)
    found = gradient.gradients(training.trained)
    gradient.scale(found, factor)
    norm = gradient.length(found)
    if isinstance(training.model, Sharded):  # each process holds a part of every gradient
        norm = torch.tensor(distributed.total(float(norm) ** 2)[0] ** 0.5)
    # One number tells that all is well. Float16 meets infinite gradients by design: its scaler skips such steps.
    if not math.isfinite(float(norm)) or not math.isfinite(loss):
        error = gradient.blame(training.bare, training.state.step, loss)
        if error and not (scaler.is_enabled() and math.isfinite(loss)):
            raise error
    if plan.clip is not None:
        gradient.clip(found, norm, plan.clip)
    scaler.step(training.optimizer)
    scaler.update()
    if training.average:
        training.average.update(training.state.step)
    return float(norm)


def rows_of(batch: Any) -> int:
    """Examples in a batch: the length of its first tensor."""
    if isinstance(batch, Tensor):
        return batch.shape[0]
    return rows_of(next(iter(batch.values())) if isinstance(batch, dict) else batch[0])


def tokens_of(batch: Any) -> int:
    """Real tokens in a batch; 0 where a batch does not tell."""
    real = getattr(batch, "real", None)
    return 0 if real is None else int(torch.count_nonzero(real))


def _groups(batches: BatchSource, size: int) -> Iterator[list[tuple[Any, float]]]:
    """Batches of the epoch in groups, each with its weight: 0 when its rows are only there to keep pace."""
    weighted = ((batch, getattr(batches, "weight", 1.0)) for batch in batches)
    while True:
        with explained("the next batch"):
            group = list(islice(weighted, size))
        if not group:
            return
        yield group


def _farewell(run: Run | None, state: State) -> str:
    if run is None:
        return f"stopped after step {state.step}; nothing was saved, because there is no run folder"
    return f"stopped after step {state.step}, saved in {Path(run.folder)}; resume to go on"
