"""Watching a metric while a model trains: when to evaluate, which weights were best, when to stop."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import nn

from lingon.core.errors import UserError, unknown

__all__ = ["Evaluation"]


@dataclass(frozen=True)
class Evaluation:
    """Evaluation of a model while it trains.

    evaluate: the metrics of a model, by name. It is called with the averaged weights where the config averages.
    every: "epoch", a number of steps, or a function that says after each step whether it is time. metric: the name in
    what `evaluate` gives that decides which weights are best; of equal ones the lower loss decides, where `evaluate`
    gives one: accuracy often stands still while a model learns.
    patience: stop after so many evaluations in a row without a new best one; None never stops. loss_is_progress: an
    evaluation whose loss is the lowest so far does not count for that: on few examples a metric wavers while a model
    still gets better. at_start: evaluate before the first step too, of weights that are good already and may stay the
    best.
    """

    evaluate: Callable[[nn.Module], dict[str, float]]
    every: Literal["epoch"] | int | Callable[[], bool] = "epoch"
    metric: str = "accuracy"
    higher_is_better: bool = True
    patience: int | None = None
    loss_is_progress: bool = False
    at_start: bool = False

    def __post_init__(self):
        if self.every != "epoch" and not callable(self.every) and not (isinstance(self.every, int) and self.every >= 1):
            raise UserError(f"evaluation: every is {self.every!r}, expected 'epoch' or a number of steps")
        if self.patience is not None and self.patience < 1:
            raise UserError(f"evaluation: patience is {self.patience}, expected 1 or more, or None")

    def due(self, step: int) -> bool:
        """Return whether it is time to evaluate after `step` steps, inside an epoch."""
        if callable(self.every):
            return self.every()
        return self.every != "epoch" and step % self.every == 0


def _order(evaluation: Evaluation, metrics: dict[str, float]) -> tuple[float, float]:
    """Metrics as numbers to compare, the better the higher: the metric that is watched, then the loss."""
    sign = 1 if evaluation.higher_is_better else -1
    return _or_worst(sign * metrics.get(evaluation.metric, math.nan)), _or_worst(-metrics.get("loss", math.nan))


def _or_worst(value: float) -> float:
    return -math.inf if math.isnan(value) else value


@dataclass
class Best:
    """Best metric so far, the number of evaluations since, and the lowest loss. Part of every checkpoint."""

    value: float | None = None
    step: int | None = None
    metrics: dict[str, float] | None = None
    waited: int = 0
    lowest_loss: float | None = None

    def update(self, evaluation: Evaluation, step: int, metrics: dict[str, float]) -> bool:
        """Take one evaluation in; True when it is the best so far. NaN is never better than a number."""
        if evaluation.metric not in metrics:
            raise unknown("metric to watch", evaluation.metric, metrics)
        better = self.step is None or _order(evaluation, metrics) > _order(evaluation, self.metrics or {})
        progress = self._is_lowest(metrics.get("loss", math.nan)) and evaluation.loss_is_progress
        if better:
            value = float(metrics[evaluation.metric])
            self.value, self.step, self.metrics, self.waited = value, step, dict(metrics), 0
        else:
            self.waited = 0 if progress else self.waited + 1
        return better

    def _is_lowest(self, loss: float) -> bool:
        if math.isnan(loss) or (self.lowest_loss is not None and loss >= self.lowest_loss):
            return False
        self.lowest_loss = loss
        return True

    def exhausted(self, evaluation: Evaluation) -> bool:
        """Return whether the patience is at its end."""
        return evaluation.patience is not None and self.waited >= evaluation.patience
