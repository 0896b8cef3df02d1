"""Losses as functions."""

import numpy as np

from lingon.scratch import create
from lingon.scratch.arguments import check_arguments
from lingon.scratch.choice import where
from lingon.scratch.dimensions import shape_of
from lingon.scratch.error_context import ArrayIndexError, fail, operands
from lingon.scratch.nn.layer_functions import _floating, softplus
from lingon.scratch.tensor import Tensor
from lingon.scratch.unary import abs as absolute

_LOSS = ("input", "target")


def _fits_classes(weight: Tensor, input: Tensor, dim: int) -> None:
    _alike("cross_entropy", input=input, weight=weight)
    if weight.shape != (input.shape[dim],):
        fail(f"the argument 'weight' is [{input.shape[dim]}], a number for each class, not {shape_of(weight)}")


def _alike(name: str, **given: Tensor) -> None:
    if len({x.dtype for x in given.values()}) > 1:
        kinds = " and ".join(f"{argument} {x.dtype}" for argument, x in given.items())
        fail(f"{name}(): the dtypes do not fit: {kinds}; expected the same")


def _broadcast(name: str, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return both broadcast to a common shape, so that the mean is over all elements, as in PyTorch."""
    if "b" in (input.dtype.kind, target.dtype.kind):
        fail(f"{name}() has truth values as 'input' or 'target'; say float() first")
    try:
        shape = np.broadcast_shapes(input.shape, target.shape)
    except ValueError:
        shapes = operands(shape_of(input), shape_of(target), called=_LOSS)
        fail(f"shapes do not fit: {shapes}; from the right, each two must be equal or one of them 1")
    return input.expand(shape), target.expand(shape)


def _reduced(loss: Tensor, reduction: str, total: Tensor | None = None) -> Tensor:
    if reduction == "none":
        return loss
    if reduction not in ("mean", "sum"):
        fail(f"unknown reduction {reduction!r}; known: mean, sum, none")
    if reduction == "sum":
        return loss.sum()
    return loss.mean() if total is None else loss.sum() / total


@check_arguments
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Return the mean of -log softmax(input) at the target class.

    input: logits [C], [B, C] or [B, C, ...]. target: classes [], [B] or [B, ...], or probabilities in the shape of the
    input. weight: weight of each class [C]. ignore_index: a target that is ignored.
    """
    if not 0 <= label_smoothing <= 1:
        fail(f"cross_entropy(): the argument 'label_smoothing' is a fraction from 0 to 1, not {label_smoothing}")
    if not input.ndim:
        fail(f"cross_entropy(): the argument 'input' is logits [C], [B, C] or [B, C, ...], not {shape_of(input)}")
    dim = 0 if input.ndim == 1 else 1
    logs = input.log_softmax(dim)
    if target.dtype.kind == "f":
        return _against_shares(logs, target, weight, reduction, label_smoothing, dim)
    loss = nll_loss(logs, target, weight, ignore_index=ignore_index, reduction=reduction)
    if not label_smoothing:
        return loss
    classes = input.shape[dim]
    counted = logs if weight is None else logs * weight.reshape([-1] + [1] * (input.ndim - 1 - dim))
    mask = target != ignore_index
    even = where(mask, -counted.sum(dim), 0.0)
    total = _weights(target, weight, mask, logs.dtype).sum()
    return (1 - label_smoothing) * loss + label_smoothing / classes * _reduced(even, reduction, total)


def _against_shares(
    logs: Tensor, target: Tensor, weight: Tensor | None, reduction: str, smoothing: float, dim: int
) -> Tensor:
    if target.shape != logs.shape:
        shapes = operands(shape_of(logs), shape_of(target), called=_LOSS)
        fail(f"shapes do not fit: {shapes}; probabilities have the shape of the logits")
    if weight is not None:
        _fits_classes(weight, logs, dim)
    shares = target * (1 - smoothing) + smoothing / logs.shape[dim]
    shares = shares if weight is None else shares * weight.reshape([-1] + [1] * (logs.ndim - 1 - dim))
    loss = -(logs * shares).sum(dim)
    return _reduced(loss, reduction, create.tensor(float(max(loss.numel(), 0)), dtype=logs.dtype))


@check_arguments
def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean"
) -> Tensor:
    """Return the mean of -input at the target class; input holds log probabilities [C], [B, C] or [B, C, ...]."""
    _floating("nll_loss", input)
    dim = 0 if input.ndim == 1 else 1
    rest = input.shape[:dim] + input.shape[dim + 1 :]
    if weight is not None and input.ndim:
        _fits_classes(weight, input, dim)
    if not input.ndim or target.shape != rest:
        fail(
            f"shapes do not fit: {operands(shape_of(input), shape_of(target), called=_LOSS)}; "
            f"expected classes {list(rest)}"
        )
    mask = target != ignore_index
    ids = where(mask, target, 0)
    if ids.numel() and not (ids.array.min() >= 0 and ids.array.max() < input.shape[dim]):
        wrong = ids.array.min() if ids.array.min() < 0 else ids.array.max()
        fail(
            f"class {wrong} is not among the {input.shape[dim]} classes of {operands(shape_of(input))}",
            ArrayIndexError,
        )
    weights = _weights(ids, weight, mask, input.dtype)
    loss = where(mask, -input.gather(dim, ids.unsqueeze(dim)).squeeze(dim) * weights, 0.0)
    return _reduced(loss, reduction, weights.sum())


def _weights(target: Tensor, weight: Tensor | None, mask: Tensor, dtype: np.dtype) -> Tensor:
    """Return the weight of each target: 0 if it is ignored."""
    ones = mask.to(dtype)
    return ones if weight is None else ones * weight[where(mask, target, 0)]


@check_arguments
def mse_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Return the mean of the squared differences."""
    input, target = _broadcast("mse_loss", input, target)
    return _reduced((input - target).square(), reduction)


@check_arguments
def l1_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Return the mean of the absolute differences."""
    input, target = _broadcast("l1_loss", input, target)
    return _reduced(absolute(input - target), reduction)


@check_arguments
def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Return the mean of -log probability of the targets, 0 or 1; sigmoid(input) is the probability of 1."""
    _floating("binary_cross_entropy_with_logits", input)
    _alike("binary_cross_entropy_with_logits", input=input, target=target)
    if input.shape != target.shape:
        fail(f"shapes do not fit: {operands(shape_of(input), shape_of(target), called=_LOSS)}; expected the same")
    return _reduced(softplus(input) - input * target, reduction)
