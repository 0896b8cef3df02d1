"""Averages of the weights over training, which often test better than the last weights."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Tensor
from lingon.engine.fsdp import local, shard_like

BATCH_NORMS = nn.modules.batchnorm._NormBase


@dataclass(frozen=True)
class EMA:
    """Exponential moving average: average = decay * average + (1 - decay) * weights, after every step.

    The decay of the n-th update is at most n / (n + 9), so that the random first weights are soon forgotten.
    """

    decay: float = 0.999

    def __post_init__(self):
        if not 0 <= self.decay < 1:
            raise UserError(f"EMA: decay is {self.decay}, expected at least 0 and less than 1, such as 0.999")

    def weight(self, step: int, count: int) -> float | None:
        """Return the weight of the parameters after `step` steps in an average of `count` earlier ones."""
        return 1 - min(self.decay, count / (count + 9))


@dataclass(frozen=True)
class SWA:
    """Stochastic weight averaging (Izmailov 2018): the plain mean of the weights after steps start, start+every, ..."""

    start: int
    every: int = 1

    def __post_init__(self):
        if self.start < 0 or self.every < 1:
            raise UserError(f"SWA: start is {self.start} and every is {self.every}, expected at least 0 and 1")

    def weight(self, step: int, count: int) -> float | None:
        """Return the weight of the parameters after `step` steps in the average; None when this step is left out."""
        due = step >= self.start and (step - self.start) % self.every == 0
        return 1 / (count + 1) if due else None


@dataclass(frozen=True)
class NTASGD:
    """The plain mean of the weights after every step since evaluations stopped improving; before that, no average.

    They have stopped improving when one is worse than the best of all but the `patience` evaluations before it.
    Source: Merity et al. 2018, "Regularizing and Optimizing LSTM Language Models", algorithm 1 (NT-ASGD).
    """

    patience: int = 5

    def __post_init__(self):
        if self.patience < 1:
            raise UserError(f"NTASGD: patience is {self.patience}, expected 1 or more")

    def weight(self, step: int, count: int) -> float | None:
        """Return the weight of the parameters after a step in an average of `count` earlier ones."""
        return 1 / (count + 1)

    def due(self, values: list[float]) -> bool:
        """Return whether averaging starts after evaluations with these values; lower values are better."""
        old = values[: -self.patience - 1]
        return bool(old) and values[-1] > min(old)


def averaged_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Return the parameters by name, and the running mean and variance of batch norms.

    The statistics are averaged too, because those of the last weights do not fit the averaged weights.
    """
    found = {name: parameter.detach() for name, parameter in model.named_parameters()}
    for name, buffer in model.named_buffers():
        owner, _, part = name.rpartition(".")
        if part in ("running_mean", "running_var") and isinstance(model.get_submodule(owner), BATCH_NORMS):
            found[name] = buffer
    return found


class Average:
    """The running average of a model's parameters and of the statistics of its batch norms.

    Other buffers are not averaged: the model keeps their latest values.
    """

    def __init__(self, kind: EMA | SWA | NTASGD, model: nn.Module):
        self.kind, self.count, self.started = kind, 0, not isinstance(kind, NTASGD)
        self.values: list[float] = []
        averaged = averaged_tensors(model)
        self.names = list(averaged)
        self.weights = [local(tensor) for tensor in averaged.values()]  # the model's own memory
        self.copies = [tensor.clone() for tensor in averaged.values()]
        self.means = [local(copy) for copy in self.copies]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Add the weights after `step` steps to the average."""
        weight = self.kind.weight(step, self.count) if self.started else None
        if weight is not None:
            torch._foreach_lerp_(self.means, self.weights, weight)
            self.count += 1

    def observe(self, value: float) -> None:
        """Record the value of an evaluation (lower is better), after which averaging may start."""
        if not self.started:
            assert isinstance(self.kind, NTASGD)
            self.values.append(value)
            self.started = self.kind.due(self.values)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Return a context in which the model has the averaged weights; its own are restored at the end."""
        if not self.count:
            yield
            return
        own = [w.clone() for w in self.weights]
        torch._foreach_copy_(self.weights, self.means)
        try:
            yield
        finally:
            torch._foreach_copy_(self.weights, own)

    def copy_to_model(self) -> None:
        """Replace the weights of the model by their average, permanently."""
        if self.count:
            torch._foreach_copy_(self.weights, self.means)

    def state_dict(self) -> dict:
        """Return the count, the averages by name, and the evaluations recorded before averaging started."""
        means = dict(zip(self.names, self.copies, strict=True))
        return {"count": self.count, "means": means, "started": self.started, "values": list(self.values)}

    def load_state_dict(self, state: dict) -> None:
        """Load a state returned by `state_dict`."""
        self.count = state["count"]
        self.started, self.values = state.get("started", self.started), list(state.get("values", []))
        for name, copy in zip(self.names, self.copies, strict=True):
            copy.copy_(shard_like(state["means"][name], copy))
