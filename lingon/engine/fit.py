"""The training loop of every model but word vectors: it takes batches, a loss and an optimizer, and knows no task.

Schedules, precision, weight averages, checkpoints and distribution have files of their own.
"""

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lingon.core.errors import Interrupted, UserError
from lingon.core.progress import track
from lingon.engine import distributed
from lingon.engine.average import EMA, NTASGD, SWA
from lingon.engine.batch_source import BatchSource, as_source
from lingon.engine.batch_tree import count_rows
from lingon.engine.evaluation import Evaluation
from lingon.engine.interrupt import StopRequest, interruptible
from lingon.engine.loss import LossFunction
from lingon.engine.out_of_memory import oom_context, size_of
from lingon.engine.precision import Precision, float32
from lingon.engine.run import Run
from lingon.engine.schedule import Schedule, constant_schedule
from lingon.engine.step import MicroBatches, Update, step
from lingon.engine.threads import computing_threads, flops_per_step
from lingon.engine.trainer import Trainer

__all__ = ["History", "TrainConfig", "fit"]

BY_EPOCH = "these batches resume by epoch: the run is saved between epochs only (a Loader resumes at any batch)"


@dataclass(frozen=True)
class TrainConfig:
    """Configuration of a training run, which ends after `epochs` or `steps`, whichever comes first.

    epochs: passes over the data, such as 2.5. steps: updates of the weights. schedule: factor of the learning rate by
    step. max_grad_norm: gradients of a larger norm are scaled down to it. accumulation_steps: batches per step; the
    gradient is that of one batch that holds them all, and the last step of an epoch takes the remaining batches.
    weight_average: the kind of average of the weights. log_every: steps per row of metrics.jsonl.
    """

    epochs: float | None = None
    steps: int | None = None
    schedule: Schedule = field(default_factory=constant_schedule)
    max_grad_norm: float | None = None
    accumulation_steps: int = 1
    precision: Precision = field(default_factory=float32)
    weight_average: EMA | SWA | NTASGD | None = None
    log_every: int = 10

    def __post_init__(self):
        if self.epochs is None and self.steps is None:
            raise UserError("the training has no end; give epochs, steps, or both")
        for name in ("epochs", "steps", "max_grad_norm", "accumulation_steps", "log_every"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise UserError(f"config: {name} is {value}, expected more than 0")

    def total(self, batches_per_epoch: int) -> int:
        """Return the number of steps of the whole run, which some schedules need."""
        per_epoch = -(-batches_per_epoch // self.accumulation_steps)
        ends = [] if self.steps is None else [self.steps]
        if self.epochs is not None:
            whole, part = divmod(self.epochs, 1)
            ends.append(int(whole) * per_epoch + math.ceil(round(part * per_epoch, 6)))
        return min(ends)


@dataclass(frozen=True)
class History:
    """History of a training: the rows of metrics.jsonl, and how it ended."""

    rows: list[dict[str, Any]]
    steps: int
    epochs: float
    seconds: float
    examples: int
    best: dict[str, float] | None
    best_step: int | None
    stopped_early: bool

    @property
    def best_epochs(self) -> float:
        """Return the epochs after which the weights were best; the total if nothing was evaluated."""
        return self.epochs * (self.steps if self.best_step is None else self.best_step) / self.steps


def fit(
    model: nn.Module,
    batches: BatchSource | Iterable[Any],
    loss_fn: LossFunction,
    optimizer: torch.optim.Optimizer,
    *,
    config: TrainConfig,
    evaluation: Evaluation | None = None,
    run: Run | None = None,
    update: Update = step,
) -> History:
    """Train a model. It ends with the best weights by `evaluation`; without it, with the last or averaged weights.

    batches: a `lingon.data.batches.Loader`, which resumes at any batch; or a `torch.utils.data.DataLoader` or list of
    batches, each a tensor, or tuples, lists and dicts of tensors. The latter resume by epoch: a run is saved only
    between epochs and at the end.
    loss_fn: (model, batch) -> Loss(total, count), a sum and the number of its terms; a plain scalar is taken as the
    mean over the batch's rows, which is wrong for a mean over tokens. If a Loss has a `carry`, the next call gets it as
    a third argument; the carry is part of every checkpoint, and with several processes each has its own, made of
    tensors of shape [rows, ...].
    optimizer: one of PyTorch, or anything with step, zero_grad, state_dict, load_state_dict and param_groups.
    update: the function that makes one step, for training with several losses or optimizers, such as a GAN or
    distillation; see `lingon.engine.step.step`.
    With `run`, the training is logged and saved there, and resumed if the run was opened to resume: on the CPU, the
    results are bit for bit those of an uninterrupted run.

    Raises NotFinite when a loss or gradient is NaN or infinite, RunError when memory or disk are full,
    Interrupted after Ctrl-C, when the state has been saved.
    """
    batches = _checked(model, batches)
    trainer = Trainer(model, batches, optimizer, config, evaluation, run, update)
    state, total = trainer.state, config.total(len(batches))
    trainer.restore()
    model.train()
    with (
        track(total, "training", "step", done=state.step) as bar,
        interruptible(bar.say) as stop,
        contextlib.ExitStack() as stack,
    ):
        if trainer.by_epoch and run and trainer.place.rank == 0:
            bar.say(BY_EPOCH)
        if evaluation and evaluation.at_start and state.evaluated < 0:
            trainer.evaluate(bar.say)
        threads = None
        while state.step < total and not state.stopped:
            for group in _micro_batches(batches, config.accumulation_steps):
                if threads is None and trainer.device.type == "cpu":
                    threads = stack.enter_context(_threads_for(trainer, group[0][0], bar.say))
                with oom_context(f"step {state.step + 1}, {size_of(group)}"):
                    found = update(trainer, group, loss_fn)
                trainer.count(found, len(group))
                bar.advance(loss=found.loss)
                _after_step(trainer, stop, bar.say)
                if state.step >= total or state.stopped:
                    break
            else:
                _next_epoch(trainer)
                _after_step(trainer, stop, bar.say, edge=True)
        trainer.finish(bar.say)
    return history(trainer)


def _after_step(trainer: Trainer, stop: StopRequest, say: Callable[[str], None], edge: bool = False) -> None:
    """Evaluate, save or stop after a step or, with `edge`, an epoch. Raises Interrupted if a stop was requested."""
    state, evaluation, run = trainer.state, trainer.evaluation, trainer.run
    if (
        evaluation
        and state.evaluated != state.step
        and (evaluation.every == "epoch" if edge else evaluation.due(state.step))
    ):
        with oom_context(f"the evaluation after step {state.step}"):
            trainer.evaluate(say)
    asked, due = distributed.any_process(
        stop.asked, bool(run and trainer.place.rank == 0 and run.due(state.step, edge))
    )
    if trainer.resumable(edge) and (asked or due or trainer.by_epoch):
        trainer.save()
    if asked and (edge or not trainer.before_edge):  # at the end of an epoch everything can be saved
        raise Interrupted(_farewell(trainer))


def _next_epoch(trainer: Trainer) -> None:
    if not trainer.state.batch:
        raise UserError("an epoch has no batches")
    trainer.state.epoch, trainer.state.batch = trainer.state.epoch + 1, 0
    trainer.batches.set_epoch(trainer.state.epoch)


def _threads_for(trainer: Trainer, batch: Any, say: Callable[[str], None]) -> contextlib.AbstractContextManager:
    """Return a context with the number of CPU threads that suits a step on such a batch."""
    work = flops_per_step(trainer.unwrapped, batch, count_rows(batch))
    return computing_threads(work, trainer.run, say)


def _checked(model: Any, batches: Any) -> BatchSource:
    if not isinstance(model, nn.Module):
        raise UserError(f"fit trains a torch.nn.Module, not a {type(model).__name__}; give its model")
    found = as_source(batches)
    if not len(found):
        raise UserError("there are no batches to train on")
    return found


def history(trainer: Trainer) -> History:
    """Return the history of a finished training run."""
    state = trainer.state
    return History(
        rows=trainer.rows,
        steps=state.step,
        epochs=state.epoch + state.batch / len(trainer.batches),
        seconds=state.seconds,
        examples=state.examples,
        best=state.best.metrics,
        best_step=state.best.step,
        stopped_early=state.stopped,
    )


def _micro_batches(batches: BatchSource, size: int) -> Iterator[MicroBatches]:
    """Yield the batches of the epoch in groups, each with its weight: 0 if it only keeps processes in step."""
    weighted = ((batch, getattr(batches, "weight", 1.0)) for batch in batches)
    while True:
        with oom_context("the next batch"):
            group = list(islice(weighted, size))
        if not group:
            return
        yield group


def _farewell(trainer: Trainer) -> str:
    run, done = trainer.run, trainer.state.step
    if run is None:
        return f"stopped after step {done}; nothing was saved, because there is no run folder"
    if (saved := trainer.saved_step) == done:
        return f"stopped after step {done}, saved in {Path(run.folder)}; resume to continue"
    kept = "nothing was saved" if saved is None else f"resume continues from step {saved}, saved in {Path(run.folder)}"
    return f"stopped after step {done}, inside an epoch, where these batches cannot be resumed; {kept}"
