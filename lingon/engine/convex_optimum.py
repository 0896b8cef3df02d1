"""A linear layer on fixed vectors, trained to the optimum of a convex loss: logistic regression, ridge regression."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from lingon.core.errors import DataError, UserError
from lingon.core.shapes import Float, Tensor
from lingon.engine.loss import Loss
from lingon.engine.step import MicroBatches, StepResult
from lingon.engine.trainer import Trainer

# The loss of logits [n, C], given the batch with the labels: a sum.
LossOfLogits = Callable[[Float[Tensor, "n C"], Any], Loss]
ITERATIONS, TOLERANCE = 300, 1e-5
EXACT = 1 << 20  # elements of the vectors below which float64 takes no noticeable time


class ConvexOptimum:
    """An optimizer of a linear layer that minimises C * sum of the losses + |W|^2 / 2; the bias is not penalised.

    With the cross entropy this is multinomial logistic regression, the objective of scikit-learn's LogisticRegression.
    Vectors are centred and divided by their root mean square (one number), so that C means the same for all encoders.
    Each step of `fit` goes to the optimum for one C by L-BFGS (Nocedal 1980), starting from the optimum of the C
    before: a regularisation path, from which C can be chosen on validation data. Pass to `fit` this object as the
    optimizer, its method `update`, an evaluation at every `optimal`, and all examples in one batch, `vectors` [n, D].

    head: the layer. loss: a function of its logits. C: inverse regularisation strengths, in ascending order.
    """

    param_groups: Sequence[dict[str, Any]] = ()

    def __init__(self, head: nn.Linear, loss: LossOfLogits, C: Sequence[float] = (1.0,)):
        if not C or not all(0 < c < float("inf") for c in C) or list(C) != sorted(C):
            raise UserError(f"C is {C}, expected rising numbers above 0, such as 1 and 10")
        self.head, self.loss, self.C = head, loss, tuple(C)
        self.optima: list[int] = []  # the steps at which the optimum of each C was reached
        with torch.no_grad():
            head.weight.zero_()
            head.bias.zero_()

    @property
    def converged(self) -> bool:
        """Return whether the optimum of every C was reached."""
        return len(self.optima) == len(self.C)

    def optimal(self) -> bool:
        """Return whether the last step reached the optimum of a C other than the last, at which `fit` ends."""
        return bool(self.optima) and not self.converged

    def chosen(self, step: int | None) -> float:
        """Return the C whose optimum was reached at that step."""
        return self.C[min(sum(at < (step or 0) for at in self.optima), len(self.C) - 1)]

    def update(self, trainer: Trainer, group: MicroBatches, loss_fn: Any = None) -> StepResult:
        """Go to the optimum for the next C; see `lingon.engine.step.step`. `loss_fn` is ignored."""
        ((batch, _),) = group
        found = self.solve(batch, self.C[len(self.optima)])
        self.optima.append(trainer.state.step + 1)
        trainer.state.stopped = self.converged
        return StepResult(float(found.total), found.count, len(batch), 0)

    def solve(self, batch: Any, C: float) -> Loss:
        """Set the layer to the optimum for one C, starting from its current weights; return the loss there."""
        vectors: Float[Tensor, "n D"] = batch.vectors
        # For many examples, float32 comes close enough to the optimum, in half the time.
        vectors = vectors.double() if vectors.numel() < EXACT else vectors
        mean = vectors.mean(0)
        scale = (vectors - mean).square().mean().sqrt().clamp(min=1e-12)
        x = (vectors - mean) / scale
        first = self.head.weight.detach().to(vectors.dtype)
        weight = (first * scale).requires_grad_(True)
        bias = (self.head.bias.detach() + first @ mean).requires_grad_(True)
        search = torch.optim.LBFGS(
            [weight, bias],
            max_iter=ITERATIONS,
            tolerance_grad=TOLERANCE,
            tolerance_change=1e-12,
            history_size=20,
            line_search_fn="strong_wolfe",
        )
        last: list[Loss] = []

        def objective() -> float:
            search.zero_grad()
            loss = self.loss(x @ weight.T + bias, batch)
            # A mean, so that the tolerances do not depend on the number of examples.
            value = (loss.total + weight.square().sum() / (2 * C)) / max(1.0, loss.count)
            value.backward()
            last[:] = [Loss(loss.total.detach(), loss.count)]
            return value.detach().item()

        search.step(objective)
        with torch.no_grad():
            self.head.weight.copy_(weight / scale)
            self.head.bias.copy_(bias - weight @ mean / scale)
        return last[0]

    def step(self, closure: Any = None) -> None:
        """Refuse: `fit` calls `update`; there is no gradient of a batch to follow."""
        raise UserError("an optimum has no gradient steps; give fit its method: update=optimizer.update")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Do nothing: the layer keeps no gradients."""

    def state_dict(self) -> dict[str, Any]:
        """Return the steps at which optima were reached, and the values of C."""
        return {"optima": list(self.optima), "C": list(self.C)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load what `state_dict` returned. Raises DataError for the state of another path."""
        if list(state["C"]) != list(self.C):
            raise DataError(
                f"the path of C is {state['C']}, expected {list(self.C)}; the checkpoint belongs to another run"
            )
        self.optima = list(state["optima"])
