"""Evaluation during training: when to evaluate, which weights are best, when to stop early."""

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

    evaluate: a function from a model to its metrics by name; it gets the averaged weights if the config averages.
    every: "epoch", a number of steps, or a function called after each step that returns whether to evaluate. metric:
    the one that decides which weights are best; ties are broken by the lower `loss`, if `evaluate` returns one, because
    accuracy often stays the same while a model still learns.
    patience: stop after this number of evaluations in a row without a new best; None never stops. loss_is_progress:
    an evaluation with the lowest loss so far resets this count, because on few examples a metric fluctuates while a
    model still improves. at_start: also evaluate before the first step, for pretrained weights that may remain the
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
        """Return whether to evaluate after `step` steps, within an epoch."""
        if callable(self.every):
            return self.every()
        return self.every != "epoch" and step % self.every == 0


def _order(evaluation: Evaluation, metrics: dict[str, float]) -> tuple[float, float]:
    """Return a sort key of metrics, higher is better: the monitored metric, then the loss."""
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
        """Record an evaluation; return whether it is the best so far. NaN is never better than a number."""
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
        """Return whether the patience is used up."""
        return evaluation.patience is not None and self.waited >= evaluation.patience
