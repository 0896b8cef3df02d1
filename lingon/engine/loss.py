"""The result of a loss function for `fit`: a sum and the number of its terms, so that means are never averaged."""

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

    total: the SUM of the losses, a scalar. count: the number of examples or tokens summed over; `fit` divides by the
    total count of all batches and processes of a step. carry: passed to the next call of the loss function, such as the
    state of a recurrent model: a tree of dicts, lists and tuples of tensors and plain numbers, without gradients.
    logs: more sums over `count` by name, whose means are written to metrics.jsonl; the same names in every batch.
    """

    total: Float[Tensor, ""]
    count: float  # type: ignore[assignment]  # a tuple has a method of this name
    carry: Any = None
    logs: Mapping[str, float] = NOTHING


LossFunction = Callable[..., Loss | Tensor]  # (model, batch); (model, batch, carry) after a loss with a carry


class Weighted(NamedTuple):
    """The loss of one batch in the form that a step uses: the sum is value * weight."""

    value: Float[Tensor, ""]
    weight: float
    count: float  # type: ignore[assignment]  # a tuple has a method of this name
    carry: Any
    logs: Mapping[str, float]

    def over(self, divisor: float) -> Float[Tensor, ""]:
        """Return the sum divided by `divisor`; exactly `value` if the two are equal, without rounding."""
        return self.value if self.weight == divisor else self.value * (self.weight / divisor)


def weighted(function: LossFunction, model: nn.Module, batch: Any, carry: Any, rows: int) -> Weighted:
    """Call a loss function; return its loss. A plain scalar is taken as the mean over the batch's rows.

    rows: number of examples of the batch that count; 0 for a batch that only keeps this process in step with others
    and whose loss is ignored. Raises UserError when the function returns anything but a Loss or a scalar.
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
