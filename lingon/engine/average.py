"""Averages of the weights over training, which often test better than the last weights."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from lingon.core.errors import UserError


@dataclass(frozen=True)
class EMA:
    """Exponential moving average: average = decay * average + (1 - decay) * weights, after every step.

    The decay of the n-th update is at most n / (n + 9), so that the random first weights are soon forgotten.
    """

    decay: float = 0.999

    def __post_init__(self):
        if not 0 <= self.decay < 1:
            raise UserError(f"EMA: decay is {self.decay}, expected at least 0 and less than 1, such as 0.999")

    def share(self, step: int, count: int) -> float | None:
        """How much of the weights after `step` steps enters the average that holds `count` of them already."""
        return 1 - min(self.decay, count / (count + 9))


@dataclass(frozen=True)
class SWA:
    """Stochastic weight averaging (Izmailov 2018): the plain mean of the weights after steps start, start+every, ..."""

    start: int
    every: int = 1

    def __post_init__(self):
        if self.start < 0 or self.every < 1:
            raise UserError(f"SWA: start is {self.start} and every is {self.every}, expected at least 0 and 1")

    def share(self, step: int, count: int) -> float | None:
        """How much of the weights after `step` steps enters the average; None when this step is not averaged."""
        due = step >= self.start and (step - self.start) % self.every == 0
        return 1 / (count + 1) if due else None


class Average:
    """The running average of a model's parameters. Buffers are not averaged: the model's newest are used."""

    def __init__(self, kind: EMA | SWA, model: nn.Module):
        self.kind, self.count = kind, 0
        self.names = [name for name, _ in model.named_parameters()]
        self.weights = [p.detach() for p in model.parameters()]  # the model's own memory
        self.means = [p.detach().clone() for p in model.parameters()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Takes the weights after `step` steps into the average."""
        share = self.kind.share(step, self.count)
        if share is not None:
            torch._foreach_lerp_(self.means, self.weights, share)
            self.count += 1

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """The model computes with the averaged weights inside, and with its own again afterwards."""
        if not self.count:
            yield
            return
        own = [w.clone() for w in self.weights]
        torch._foreach_copy_(self.weights, self.means)
        try:
            yield
        finally:
            torch._foreach_copy_(self.weights, own)

    def keep(self) -> None:
        """Leaves the averaged weights in the model for good."""
        if self.count:
            torch._foreach_copy_(self.weights, self.means)

    def state_dict(self) -> dict:
        """The count and the averages by name."""
        return {"count": self.count, "means": dict(zip(self.names, self.means, strict=True))}

    def load_state_dict(self, state: dict) -> None:
        """Takes over a state that `state_dict` gave."""
        self.count = state["count"]
        for name, mean in zip(self.names, self.means, strict=True):
            mean.copy_(state["means"][name])
