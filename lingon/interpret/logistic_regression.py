"""Logistic regression fitted to its optimum: the linear probe of hidden states."""

import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int, Tensor

STEPS = 500  # maximum steps of L-BFGS, which converges long before


class LogisticRegression:
    """Classes by softmax(x W^T + b), with the loss sum_i -log p_i + |W|^2 / (2 C), as in scikit-learn.

    C: the inverse of the strength of the regularisation. Fitted in float64 by L-BFGS (Liu, Nocedal 1989).
    """

    def __init__(self, classes: int, C: float = 1.0):
        if classes < 2:
            raise UserError(f"a probe needs two or more classes, not {classes}")
        self.classes, self.C = classes, C
        self.weight: Float[Tensor, "C D"] = torch.zeros(classes, 0)
        self.bias: Float[Tensor, " C"] = torch.zeros(classes)

    def fit(self, x: Float[Tensor, "n D"], y: Int[Tensor, " n"]) -> "LogisticRegression":
        """Fit the weights to the minimum of the loss."""
        x = x.double()
        weight = torch.zeros(self.classes, x.shape[1], dtype=torch.float64, requires_grad=True)
        bias = torch.zeros(self.classes, dtype=torch.float64, requires_grad=True)
        solver = torch.optim.LBFGS(
            [weight, bias], max_iter=STEPS, tolerance_grad=1e-6, tolerance_change=1e-12, line_search_fn="strong_wolfe"
        )

        def loss() -> Tensor:
            solver.zero_grad()
            found = F.cross_entropy(x @ weight.T + bias, y, reduction="sum") + weight.square().sum() / (2 * self.C)
            (found / len(x)).backward()
            return found / len(x)

        with torch.enable_grad():
            solver.step(loss)
        self.weight, self.bias = weight.detach(), bias.detach()
        return self

    def predict(self, x: Float[Tensor, "n D"]) -> Int[Tensor, " n"]:
        """Return the likeliest class of each row."""
        return (x.double() @ self.weight.T + self.bias).argmax(1)

    def accuracy(self, x: Float[Tensor, "n D"], y: Int[Tensor, " n"]) -> float:
        """Return the share of rows whose class is predicted correctly."""
        return (self.predict(x) == y).double().mean().item()
