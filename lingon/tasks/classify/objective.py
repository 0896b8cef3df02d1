"""The loss of a batch: what the kind of its targets says, by the weights of classes and texts, and the model's own."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.shapes import Float, Int, Tensor
from lingon.data.batches import Batch
from lingon.engine.loss import Loss
from lingon.engine.precision import in_float32


def logits_of(model: nn.Module, batch: Batch) -> Float[Tensor, "B C"]:
    """Return the logits of a batch; a model gets the token types where the batch has some.

    Those of mixed precision are float32 again, so that the loss is computed in it.
    """
    types = (batch.token_types,) if "token_types" in batch else ()
    return in_float32(model(batch.ids, batch.mask, *types))


def with_penalty(found: Loss, model: nn.Module, batch: Batch) -> Loss:
    """Return a loss plus the model's penalty, which is a mean over the texts, each by its weight."""
    rows = float(batch.weights.sum()) if "weights" in batch else len(batch)
    return Loss(found.total + penalty_of(model) * rows, found.count)


def weighted_cross_entropy(
    logits: Float[Tensor, "B C"],
    labels: Int[Tensor, " B"],
    of_classes: Sequence[float] | None = None,
    of_texts: Float[Tensor, " B"] | None = None,
    gamma: float = 0.0,
) -> Loss:
    """Return the sum over the texts of -log p(label), each text by its weight and that of its class.

    The count is the sum of the weights, so that the mean is PyTorch's and scikit-learn's weighted one. gamma: of the
    focal loss, -(1 - p)^gamma log p, in which a text that is found easily counts less (Lin et al. 2017, equation 4).
    """
    classes = None if of_classes is None else torch.tensor(of_classes, dtype=logits.dtype, device=logits.device)
    if of_texts is None and not gamma:
        count = float(len(labels)) if classes is None else classes[labels].sum().item()
        return Loss(F.cross_entropy(logits, labels, classes, reduction="sum"), count)
    weights = torch.ones_like(logits[:, 0]) if of_texts is None else of_texts
    weights = weights if classes is None else weights * classes[labels]
    losses = F.cross_entropy(logits, labels, reduction="none")
    return Loss((focal(losses, gamma) * weights).sum(), weights.sum().item())


def weighted_binary_cross_entropy(
    logits: Float[Tensor, "B C"],
    labels: Float[Tensor, "B C"],
    of_classes: Sequence[float] | None = None,
    of_texts: Float[Tensor, " B"] | None = None,
    gamma: float = 0.0,
) -> Loss:
    """Return the sum over the texts of the mean over the outputs of -log p(yes or no), each text by its weight.

    of_classes: how much more an output counts where it is yes, as `pos_weight` of PyTorch. gamma: see above.
    """
    positive = None if of_classes is None else torch.tensor(of_classes, dtype=logits.dtype, device=logits.device)
    losses = focal(F.binary_cross_entropy_with_logits(logits, labels, reduction="none"), gamma)
    if positive is not None:
        losses = losses * torch.where(labels > 0, positive, 1.0)
    each = losses.mean(1)
    return Loss(each.sum(), len(each)) if of_texts is None else Loss(each @ of_texts, of_texts.sum().item())


def focal(losses: Tensor, gamma: float) -> Tensor:
    """Return losses -log p, each times (1 - p)^gamma."""
    return losses if not gamma else losses * (1 - (-losses).exp()).clamp(min=1e-12) ** gamma


def cross_entropy(model: nn.Module, batch: Batch, weights: Sequence[float] | None = None) -> Loss:
    """The sum over the texts of -log p(label), and of the model's penalty, which is a mean over texts.

    weights: of the classes; each text then counts as much as its class, so that the mean is PyTorch's weighted one.
    The texts have weights of their own where the batch has `weights` [B].
    """
    of_texts = batch.weights if "weights" in batch else None
    return with_penalty(weighted_cross_entropy(logits_of(model, batch), batch.labels, weights, of_texts), model, batch)


def penalty_of(model: nn.Module) -> Tensor | float:
    """What a model adds to its loss, through whatever wraps it for speed or distribution; 0 for most models."""
    inner: Any = model
    while not hasattr(inner, "penalty") and (wrapped := getattr(inner, "module", getattr(inner, "_orig_mod", None))):
        inner = wrapped
    penalty: Callable[[], Tensor | float] | None = getattr(inner, "penalty", None)
    return penalty() if penalty is not None else 0.0
