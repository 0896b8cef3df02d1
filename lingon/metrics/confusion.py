"""The confusion matrix of a classifier."""

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int, Tensor


def confusion_matrix(
    logits: Float[Tensor, "n C"], targets: Int[Tensor, " n"], weights: Float[Tensor, " n"] | None = None
) -> Int[Tensor, "C C"] | Float[Tensor, "C C"]:
    """Return the number of examples, or the sum of their weights, by true class (row) and predicted class (column).

    >>> confusion_matrix(torch.tensor([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0]]), torch.tensor([0, 1, 1])).tolist()
    [[1, 0], [1, 1]]

    Raises UserError for NaN among the logits, whose row predicts no class.
    """
    if logits.isnan().any():
        raise UserError("a logit is NaN, so that its row predicts no class; the model's weights are broken")
    classes = logits.shape[-1]
    pairs = targets * classes + logits.argmax(-1)
    return torch.bincount(pairs, weights, minlength=classes * classes).view(classes, classes)
