"""What a loss function gives to `fit`: a sum, and what it is a sum over, so that no mean is ever taken of means."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor

NOTHING: Mapping[str, float] = MappingProxyType({})


class Loss(NamedTuple):
    """The loss of one batch.

    total: the SUM of the losses, a scalar. count: over how many examples or tokens it is a sum; `fit` divides by the
    counts of all batches and all processes of a step. carry: handed to the next call of the loss function, such as the
    state of a recurrent model: a tree of dicts, lists and tuples of tensors and plain numbers, without gradients.
    logs: more sums over `count` by name, whose means are written to metrics.jsonl; the same names in every batch.
    """

    total: Float[Tensor, ""]
    count: float  # type: ignore[assignment]  # a tuple has a method of this name
    carry: Any = None
    logs: Mapping[str, float] = NOTHING


LossFunction = Callable[..., Loss | Tensor]  # (model, batch), or (model, batch, carry) after a batch that gave a carry


class Weighted(NamedTuple):
    """The loss of one batch, as a step uses it: the sum is value * weight."""

    value: Float[Tensor, ""]
    weight: float
    count: float  # type: ignore[assignment]  # a tuple has a method of this name
    carry: Any
    logs: Mapping[str, float]

    def over(self, divisor: float) -> Float[Tensor, ""]:
        """Return the sum divided by `divisor`. A mean that already is that is left as it is, to the last bit."""
        return self.value if self.weight == divisor else self.value * (self.weight / divisor)


def weighted(function: LossFunction, model: nn.Module, batch: Any, carry: Any, rows: int) -> Weighted:
    """Call a loss function. A bare scalar is the mean over the batch's rows.

    rows: examples of the batch that count; 0 when it is only there to keep pace with other processes, and its loss
    counts for nothing. Raises UserError when the function gives anything but a Loss or a scalar.
    """
    found = function(model, batch) if carry is None else function(model, batch, carry)
    counts = bool(rows)
    if isinstance(found, Loss):
        _check(found.total)
        if not 0 <= found.count < math.inf:
            raise UserError(f"the count of a loss is {found.count}, expected a number, 0 or more")
        logs = {name: float(value) * counts for name, value in found.logs.items()}
        return Weighted(found.total, float(counts), float(found.count) * counts, found.carry, logs)
    _check(found)
    return Weighted(found, rows, rows, None, NOTHING)


def _check(value: Any) -> None:
    if not (isinstance(value, torch.Tensor) and value.ndim == 0):
        kind = f"a tensor of {[*value.shape]}" if isinstance(value, torch.Tensor) else type(value).__name__
        raise UserError(f"the loss function gave {kind}, expected a scalar, or Loss(total=a scalar, count=a number)")
