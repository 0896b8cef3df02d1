"""Dual coordinate descent: trains a linear model to the optimum of its loss, with no learning rate."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from lingon.core.errors import DataError, UserError
from lingon.engine.feature_store import FeatureStore
from lingon.engine.linear_problems import LinearProblem, OneVersusRest
from lingon.engine.step import MicroBatches, StepResult
from lingon.engine.trainer import Trainer
from lingon.kernels.dual_coordinates import descend


class DualCoordinateDescent:
    """An optimizer of linear support vector machines (squared hinge loss) and of ridge regression.

    It minimises |w|^2 / 2 + C * sum_i weight_i * max(0, 1 - s_i w.x_i)^2 for each class (Hsieh et al. 2008), the
    objective of scikit-learn's LinearSVC; or with squared errors, that of its Ridge. The optimum for one C is reached
    when an epoch raises the dual objective by less than the fraction `tolerance`; training then continues with the next
    C, and after the last it stops `fit`: a regularisation path, from which C can be chosen on validation data. Pass to
    `fit` this object as the optimizer, its method `update`, and an evaluation at every `optimal`. Runs on the CPU, on
    one thread.

    model: see LinearModel; its weights are set to zero. examples: number of training examples. C: inverse
    regularisation strengths, in ascending order. problem: the targets and the loss; one class against the rest by
    default. A batch may have `weights` [B] of its examples, all above 0. seed: of the order in which the examples of a
    batch are visited. store: the features of these examples, perhaps followed by those of others; without it, they are
    computed from `ids` and `mask` of a batch when an example is first seen. The state consists of the dual variables,
    one for each example and output.
    """

    param_groups: Sequence[dict[str, Any]] = ()

    def __init__(
        self,
        model: Any,
        examples: int,
        C: Sequence[float] = (10.0,),
        problem: LinearProblem | None = None,
        seed: int = 0,
        tolerance: float = 1e-3,
        store: FeatureStore | None = None,
    ):
        if not C or not all(0 < c < float("inf") for c in C) or list(C) != sorted(C):
            raise UserError(f"C is {C}, expected rising numbers above 0, such as 1 and 10")
        self.model, self.C, self.seed, self.tolerance = model, tuple(C), seed, tolerance
        outputs = model.table.shape[1]
        self.problem = problem or OneVersusRest(outputs)
        self.alphas = np.zeros((examples, outputs), np.float32)
        self.dual, self.gain = 0.0, 0.0  # the dual objective, and how far it rose in this epoch
        self.optima: list[int] = []  # the steps at which the optimum of each C was reached
        self._weights: np.ndarray | None = None  # of each example [N, 1] or [N, K]; None before the first batch
        self.store = FeatureStore(examples) if store is None else store
        self._optimal = False
        with torch.no_grad():
            model.table.zero_()
            model.bias.zero_()

    @property
    def converged(self) -> bool:
        """Return whether the optimum of every C was reached."""
        return len(self.optima) == len(self.C)

    def optimal(self) -> bool:
        """Return whether the last step reached the optimum of a C other than the last, at which `fit` ends."""
        return self._optimal

    def chosen(self, step: int | None) -> float:
        """Return the C whose optimum was reached at that step, or the C trained with at that step."""
        return self.C[min(sum(at < (step or 0) for at in self.optima), len(self.C) - 1)]

    def update(self, trainer: Trainer, group: MicroBatches, loss_fn: Any = None) -> StepResult:
        """Visit every example of a group of batches once; see `lingon.engine.step.step`. `loss_fn` is ignored."""
        loss, rows, tokens, self._optimal = 0.0, 0, 0, False
        for batch, _ in group:
            gain, total = self._descend(batch, np.random.default_rng([self.seed, trainer.state.step]))
            self.dual, self.gain, loss = self.dual + gain, self.gain + gain, loss + total
            rows, tokens = rows + len(batch), tokens + int(self.store.tokens[batch.index.numpy()].sum())
        if trainer.state.batch + len(group) >= len(trainer.batches):
            if self.gain < self.tolerance * self.dual:
                self._next_optimum(trainer.state.step + 1)
                trainer.state.stopped = self.converged
            self.gain = 0.0
        return StepResult(loss, rows, rows, tokens)

    def _descend(self, batch: Any, rng: np.random.Generator) -> tuple[float, float]:
        index, labels = batch.index.numpy(), batch.labels.numpy()
        weights = self.problem.weights(labels)
        if "weights" in batch:
            weights = weights * batch.weights.numpy()[:, None]
        self._keep(index, weights)
        if (new := self.store.starts[index] < 0).any():
            self.store.add(self.model, index[new], batch.ids[new], batch.mask[new])
        order = rng.permutation(len(index))  # with the same order in every epoch, convergence would be slow
        targets = self.problem.targets(labels)[order]
        upper = np.empty_like(targets)
        upper[:] = np.float32(self.C[len(self.optima)]) * weights[order]
        table, bias = self.model.table.detach().numpy(), self.model.bias.detach().numpy()
        return descend(*self.store.arrays, index[order], targets, upper, self.problem.error, self.alphas, table, bias)

    def _keep(self, index: np.ndarray, weights: np.ndarray) -> None:
        if self._weights is None:
            self._weights = np.ones((len(self.alphas), weights.shape[1]), np.float32)
        self._weights[index] = weights

    def _next_optimum(self, step: int) -> None:
        """Continue with the next C, from the same weights; the dual objective then has a smaller penalty."""
        at = len(self.optima)
        self.optima.append(step)
        self._optimal = not self.converged
        if self._optimal:
            assert self._weights is not None, "examples were visited"
            penalty = float((self.alphas.astype(np.float64) ** 2 / self._weights).sum()) / 4
            self.dual += penalty / self.C[at] - penalty / self.C[at + 1]

    def step(self, closure: Any = None) -> None:
        """Refuse: `fit` calls `update`; there is no gradient to follow."""
        raise UserError("dual coordinate descent has no gradient steps; give fit its method: update=optimizer.update")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Do nothing: there are no gradients."""

    def state_dict(self) -> dict[str, Any]:
        """Return the dual variables [N, K], the weight of each example, and the progress along the values of C."""
        numbers = {"dual": self.dual, "gain": self.gain, "optima": self.optima, "C": list(self.C)}
        weights = np.ones((len(self.alphas), 1), np.float32) if self._weights is None else self._weights
        return {"alphas": torch.from_numpy(self.alphas), "weights": torch.from_numpy(weights), **numbers}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load what `state_dict` returned. Raises DataError for the state of other examples, outputs or C."""
        alphas = state["alphas"]
        if alphas.shape != self.alphas.shape or list(state["C"]) != list(self.C):
            found, wanted = (f"{[*a.shape]} for C {c}" for a, c in ((alphas, state["C"]), (self.alphas, self.C)))
            raise DataError(
                f"the dual variables are {found}, expected {wanted}; the checkpoint belongs to another training"
            )
        self.alphas[:], self._weights = alphas.numpy(), state["weights"].numpy().copy()
        self.dual, self.gain, self.optima = float(state["dual"]), float(state["gain"]), list(state["optima"])
