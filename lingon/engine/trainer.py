"""The mutable state of a training run: model, optimizer, batches and counts, to be logged, evaluated and saved."""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from lingon.core.counted import decimal
from lingon.core.errors import UserError
from lingon.core.shapes import Tensor
from lingon.engine import distributed
from lingon.engine import fsdp as sharding
from lingon.engine.average import Average
from lingon.engine.batch_source import ByEpoch
from lingon.engine.distributed import unwrap
from lingon.engine.evaluation import Evaluation
from lingon.engine.log import read_metrics
from lingon.engine.run import Run
from lingon.engine.still_weights import StillWeights
from lingon.engine.train_state import TrainState
from lingon.engine.trainer_checkpoint import checkpoint_parts, load_checkpoint_parts
from lingon.engine.world import world

if TYPE_CHECKING:
    from lingon.engine.batch_source import BatchSource
    from lingon.engine.fit import TrainConfig
    from lingon.engine.step import StepResult, Update


class Trainer:
    """The mutable state of a training run, with what `fit` does with it: count, log, evaluate, save and restore."""

    def __init__(
        self,
        model: nn.Module,
        batches: "BatchSource",
        optimizer: torch.optim.Optimizer,
        config: "TrainConfig",
        evaluation: Evaluation | None,
        run: Run | None,
        update: "Update",
    ):
        self.model, self.batches, self.optimizer, self.config, self.evaluation, self.run, self.update = (
            model, batches, optimizer, config, evaluation, run, update,
        )  # fmt: skip
        self.by_epoch = isinstance(batches, ByEpoch)
        self.unwrapped, self.place = unwrap(model), world()
        self.trained = [p for p in self.unwrapped.parameters() if p.requires_grad]
        self.still = StillWeights(self.unwrapped, optimizer)
        self.device = next((p.device for p in self.unwrapped.parameters()), torch.device("cpu"))
        config.precision.check(self.device)
        self.scaler = config.precision.scaler(self.device)
        self.average = Average(config.weight_average, self.unwrapped) if config.weight_average else None
        self.state = TrainState(epoch=batches.epoch)
        self.carry: Any = None  # what the loss function of one batch passes to the next
        self.rows: list[dict[str, Any]] = []
        self._best: dict[str, Tensor] | None = None  # in memory only when there is no run folder
        self._saved: tuple[int, ...] | None = None
        self._weights: dict[int, list[nn.Parameter]] = {}  # of each optimizer
        self._clock = time.perf_counter()

    def tick(self) -> None:
        """Add the time since the last call to the seconds of the run."""
        now = time.perf_counter()
        self.state.seconds += now - self._clock
        self._clock = now

    def weights_of(self, optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
        """Return the trainable parameters that an optimizer holds; all trainable ones if it does not list any."""
        if id(optimizer) not in self._weights:
            held = {id(p) for group in optimizer.param_groups for p in group.get("params", ())}
            self._weights[id(optimizer)] = [p for p in self.trained if id(p) in held] or self.trained
        return self._weights[id(optimizer)]

    def count(self, found: "StepResult", batches: int) -> None:
        """Count one step, made from `batches` batches: in the state, the averaged weights and the log."""
        self.state.step += 1
        if self.average:
            self.average.update(self.state.step)
        self.state.batch += batches
        self.state.add(found.total, found.count, found.examples, found.tokens, dict(found.logs))
        if self.state.step % self.config.log_every == 0:
            self.log(found.lr, found.grad_norm)

    def resumable(self, edge: bool) -> bool:
        """Return whether a run saved now can be resumed: at any step, or only between epochs."""
        return edge or not self.by_epoch

    @property
    def before_edge(self) -> bool:
        """Return whether all batches of the epoch are used, in a run that is saved only between epochs."""
        return isinstance(self.batches, ByEpoch) and self.batches.position >= len(self.batches)

    @property
    def saved_step(self) -> int | None:
        """Return the step of the last checkpoint; None before the first."""
        return None if self._saved is None else self._saved[0]

    def log(self, lr: float, norm: float) -> None:
        """Log a row: mean loss and speed of the steps since the last row, over all processes."""
        state = self.state
        self.tick()
        took, count = max(1e-9, state.seconds - state.seconds_sum), state.count_sum or 1.0
        values = {
            "loss": state.loss_sum / count,
            "lr": lr,
            "grad_norm": norm,
            "examples_per_second": round(state.examples_sum / took, 2),
        }
        if state.tokens_sum:
            values["tokens_per_second"] = round(state.tokens_sum / took, 1)
        if clash := sorted(state.logs.keys() & values.keys()):
            raise UserError(f"the loss function logs {clash[0]!r}, a name that is already in use; choose another")
        self.add(values | {name: value / count for name, value in state.logs.items()})
        state.start_row()

    def add(self, values: dict[str, float]) -> None:
        """Add a row to the log, with step, epoch and time."""
        state = self.state
        epoch = round(state.epoch + state.batch / len(self.batches), 6)
        row: dict[str, Any] = {"step": state.step, "epoch": epoch, "time": round(state.seconds, 3), **values}
        self.rows.append(row)
        if self.run:
            self.run.log(**row)

    def evaluate(self, say: Callable[[str], None]) -> None:
        """Evaluate the model, with its averaged weights if there are any, and keep the best weights.

        Rank 0 evaluates and broadcasts the metrics.
        """
        state, evaluation = self.state, self.evaluation
        assert evaluation is not None, "called only where there is an evaluation"
        self.unwrapped.eval()
        with self.average.applied() if self.average else nullcontext():
            model = distributed.full_model(self.model).eval()
            found = evaluation.evaluate(model) if self.place.rank == 0 else {}
            metrics = distributed.broadcast({name: float(value) for name, value in found.items()})
            better = state.best.update(evaluation, state.step, metrics)
            if better:
                self._keep()
        self.unwrapped.train()
        if self.average:
            self.average.observe(metrics[evaluation.metric] * (-1 if evaluation.higher_is_better else 1))
        self.tick()
        state.evaluated, state.stopped = state.step, state.stopped or state.best.exhausted(evaluation)
        self.add({f"valid_{name}": value for name, value in metrics.items()})
        shown = ", ".join(f"{name.replace('_', ' ')} {decimal(value)}" for name, value in metrics.items())
        if self.place.rank == 0:
            # The first weights are always kept, but with a metric of NaN they are not called the best.
            best = better and not math.isnan(metrics[evaluation.metric])
            say(f"step {state.step:,}: {shown}{' (best)' if best else ''}")

    def _keep(self) -> None:
        weights = sharding.full_tensors(self.still.left_out(self.unwrapped.state_dict()))
        if self.run is None:
            self._best = {name: tensor.clone() for name, tensor in weights.items()}
            return
        written = self.run.save_best(self.state.step, weights) if self.place.rank == 0 else None
        self.state.best_file = distributed.broadcast(written)

    def save(self) -> None:
        """Write a checkpoint into the run folder, if there is one. All processes must call it."""
        if self.run is None:
            return
        self.tick()
        best = self.state.best_file
        self.run.save(self.state.step, checkpoint_parts(self), best["name"] if best else None)
        self._saved = self._mark()

    def restore(self) -> None:
        """Load the newest checkpoint of a run opened to resume; an older one if that is damaged."""
        if self.run is None or self.run.restore(lambda parts: load_checkpoint_parts(self, parts)) is None:
            return
        self.rows = read_metrics(self.run.folder) if self.run.metrics.path.exists() else []
        self._saved, self._clock = self._mark(), time.perf_counter()

    def finish(self, say: Callable[[str], None]) -> None:
        """Evaluate and save if that is still to be done, then load the best weights into the model."""
        if self.evaluation and self.state.evaluated != self.state.step:
            self.evaluate(say)
        if self._saved != self._mark():
            self.save()
        self.tick()
        if self.evaluation:
            best, file = self._best, self.state.best_file
            if self.run and file:
                best = self.run.load_best(file)
            assert best is not None, "the first evaluation keeps the weights"
            sharding.load_weights(self.unwrapped, self.still.filled_in(best))
        elif self.average:
            self.average.copy_to_model()
        distributed.full_model(self.model)  # a sharded model is gathered in process 0

    def _mark(self) -> tuple[int, ...]:
        return self.state.step, self.state.epoch, self.state.batch, self.state.evaluated
