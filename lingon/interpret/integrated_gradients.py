"""Integrated gradients: how much each token of a text adds to an output of a model.

Source: Sundararajan, Taly, Yan 2017, "Axiomatic Attribution for Deep Networks", section 3.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.eval_view import eval_view
from lingon.core.shapes import Float, Tensor

FEWEST, MOST = 32, 1024  # steps of the integral
TOLERANCE = 0.005  # relative to the difference that the attributions must sum to
TOKENS_AT_ONCE = 4096
SAME = 1e-3  # tolerated difference between the output with a replaced embedding and that of the model

Output = Callable[[Any, Tensor, Tensor], Float[Tensor, " B"]]  # (model, ids [B, T], mask [B, T]) -> output


class Attributions(NamedTuple):
    """Attributions of tokens [T]. output: of the text; baseline: of the same text with zeros as embeddings.

    By the axiom of completeness, tokens sum to output - baseline; `error` is the deviation. steps: of the sum that
    approximates the integral.
    """

    tokens: Float[Tensor, " T"]
    output: float
    baseline: float
    error: float
    steps: int


def integrated_gradients(
    model: nn.Module, ids: Sequence[int], output: Output, kept: Sequence[bool] | None = None
) -> Attributions:
    """Return how much each token adds to a scalar output of a model for a text.

    The token embeddings move from zero to their values in a straight line; an attribution is the integral of the
    gradient along it, times the embedding. kept: tokens that are also in the baseline, such as [CLS] and [SEP]; they
    get 0. output: a differentiable function of the model, such as a logit. The steps are doubled until the sum of the
    attributions is accurate to 0.5 %, up to 1024. Raises UserError for a model without replaceable token embeddings.
    """
    view = eval_view(model)
    embedding = _embedding(view)
    table = embedding.weight.detach()[torch.tensor(list(ids))]  # [T, D]
    start = table * torch.tensor([[float(keep)] for keep in kept or [False] * len(table)])
    ends = _Line(view, embedding, output, start, table)
    with torch.no_grad():
        mask = torch.ones(1, len(table), dtype=torch.bool)
        said = output(eval_view(model), torch.tensor([list(ids)]), mask).item()
        baseline, here = ends.ends()
    if not abs(here - said) <= SAME * max(1.0, abs(said)):
        raise UserError(f"{type(model).__name__} reads its tokens in another way than by `embedding` alone")
    steps = FEWEST
    while True:
        found = ends.integral(steps)
        error = abs(found.sum().item() - (said - baseline))
        if error <= TOLERANCE * abs(said - baseline) or steps >= MOST:
            return Attributions(found, said, baseline, error, steps)
        steps *= 2


class _Line:
    """The straight line between two tables of embeddings, and the output of a model along it."""

    def __init__(self, view: Any, embedding: Any, output: Output, start: Tensor, end: Tensor):
        self.view, self.embedding, self.output = view, embedding, output
        self.start, self.difference = start, end - start

    def ends(self) -> tuple[float, float]:
        """Return the output for the baseline and for the text; NaN if the model also looks up ids elsewhere."""
        try:
            baseline, here = self.outputs(torch.tensor([0.0, 1.0])).tolist()
        except IndexError:
            return math.nan, math.nan
        return baseline, here

    def outputs(self, places: Float[Tensor, " N"], table: Tensor | None = None) -> Float[Tensor, " N"]:
        """Return the output at places between 0 and 1: embedding and ids are replaced by the vectors there."""
        table = self.tables(places) if table is None else table
        count, length, width = table.shape
        self.embedding._parameters["weight"] = table.reshape(-1, width)
        ids = torch.arange(count * length).view(count, length)
        return self.output(self.view, ids, torch.ones_like(ids, dtype=torch.bool))

    def tables(self, places: Float[Tensor, " N"]) -> Float[Tensor, "N T D"]:
        return self.start + places.to(self.start.dtype)[:, None, None] * self.difference

    def integral(self, steps: int) -> Float[Tensor, " T"]:
        """Return the attributions by Gauss-Legendre quadrature, which needs few steps for a smooth gradient."""
        nodes, weights = np.polynomial.legendre.leggauss(steps)
        places, shares = torch.from_numpy((nodes + 1) / 2), torch.from_numpy(weights / 2)
        total = torch.zeros(len(self.start), dtype=torch.float64)
        at_once = max(1, TOKENS_AT_ONCE // len(self.start))
        for some, share in zip(places.split(at_once), shares.split(at_once), strict=True):
            table = self.tables(some).requires_grad_()
            with torch.enable_grad():
                (slope,) = torch.autograd.grad(self.outputs(some, table).sum(), table)
            total += torch.einsum("ntd,td,n->t", slope.double(), self.difference.double(), share)
        return total.float()


def _embedding(view: Any) -> Any:
    """Return the token embedding module, with its padding index removed."""
    found = getattr(getattr(view, "encoder", view), "embedding", None)
    if found is None or getattr(found, "weight", None) is None:
        raise UserError(f"{type(view).__name__} has no vectors of tokens, along which gradients could be integrated")
    found.__dict__["padding_idx"] = None
    return found
