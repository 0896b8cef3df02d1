"""Layers and losses as functions."""

from collections.abc import Sequence

import numpy as np

from lingon.scratch import create, dtypes, elementwise, reductions
from lingon.scratch.arguments import DType, check_arguments
from lingon.scratch.elementwise import abs as absolute
from lingon.scratch.elementwise import relu, sigmoid, tanh, where
from lingon.scratch.error_context import ArrayIndexError, fail, operands
from lingon.scratch.products import conv1d
from lingon.scratch.tensor import Tensor, shape_of

__all__ = [
    "binary_cross_entropy_with_logits",
    "conv1d",
    "cross_entropy",
    "dropout",
    "embedding",
    "l1_loss",
    "linear",
    "log_softmax",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "pad",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "tanh",
]


_LOSS = ("input", "target")


@check_arguments
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return input [..., D] times weight [O, D], plus bias [O]: [..., O]."""
    if not input.ndim or weight.ndim != 2 or input.shape[-1] != weight.shape[1]:
        shapes = operands(shape_of(input), shape_of(weight), called=("input", "weight"))
        fail(f"shapes do not fit: {shapes}; expected input [..., D] and weight [O, D]")
    if input.dtype != weight.dtype:
        kinds = operands(
            f"{shape_of(input)} {input.dtype}", f"{shape_of(weight)} {weight.dtype}", called=("input", "weight")
        )
        fail(f"dtypes do not fit: {kinds}; say x.to(dtype)")
    if weight.dtype.kind == "b" or (bias is not None and bias.dtype != weight.dtype):
        kinds = f"weight {weight.dtype}" + ("" if bias is None else f" and bias {bias.dtype}")
        fail(f"linear(): the dtypes do not fit: {kinds}; expected numbers of one dtype")
    out = input @ weight.t()
    return out if bias is None else out + bias


@check_arguments
def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None) -> Tensor:
    """Return the rows of weight [V, D] at the ids in input [...]: [..., D]. The row `padding_idx` gets no gradient."""
    if weight.ndim != 2:
        fail(f"embedding(): the argument 'weight' has the shape [V, D], not {shape_of(weight)}")
    if padding_idx is not None and not -weight.shape[0] <= padding_idx < weight.shape[0]:
        fail(
            f"embedding(): the argument 'padding_idx' is a row of {weight.shape[0]}, not {padding_idx}", ArrayIndexError
        )
    ids = input.array
    if ids.dtype.kind != "i":
        fail(f"ids are int64, not {ids.dtype}; say x.long()")
    if ids.size and not (ids.min() >= 0 and ids.max() < weight.shape[0]):
        wrong = ids.min() if ids.min() < 0 else ids.max()
        fail(f"id {wrong} is not among the {weight.shape[0]} rows of weight {shape_of(weight)}", ArrayIndexError)
    rows = weight[input]
    if padding_idx is None:
        return rows
    return where((input == padding_idx % weight.shape[0]).unsqueeze(-1), rows.detach(), rows)


@check_arguments
def dropout(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """Set a fraction `p` of the numbers to 0 and divide the others by 1 - p, so that the mean stays."""
    if not 0 <= p <= 1:
        fail(f"dropout of {p}; expected a fraction from 0 to 1")
    if input.dtype.kind != "f":
        fail(f"dropout() is for floating numbers, and the argument 'input' is {input.dtype}; say float() first")
    if not training or not p:
        return input
    kept = (create.rand(input.shape) >= p).to(input.dtype)
    return input * (kept / (1 - p) if p < 1 else kept)


@check_arguments
def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Pad with a number before and after, in pairs from the last dimension on: (left, right, top, bottom, ...)."""
    if mode != "constant":
        fail(f"pad(): the argument 'mode' is 'constant' here, not {mode!r}")
    value = 0 if value is None else value
    if len(pad) % 2 or len(pad) > 2 * input.ndim or min(pad, default=0) < 0:
        fail(f"pad{tuple(pad)} of {shape_of(input)}: expected a pair of sizes for each dimension, the last first")
    pairs = [(0, 0)] * (input.ndim - len(pad) // 2) + [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)][::-1]
    shape = [before + size + after for size, (before, after) in zip(input.shape, pairs, strict=True)]
    out = Tensor(np.full(shape, value, input.dtype))
    out[tuple(slice(before, before + size) for size, (before, _) in zip(input.shape, pairs, strict=True))] = input
    return out


@check_arguments
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Return ids [...] as rows with one 1: [..., C] of int64."""
    ids = tensor
    if ids.dtype.kind != "i":
        fail(f"ids are int64, not {ids.dtype}; say x.long()")
    if num_classes < -1:
        fail(f"one_hot(): the argument 'num_classes' is -1 for as many as there are, or 0 and more, not {num_classes}")
    count = num_classes if num_classes >= 0 else int(ids.array.max()) + 1
    if ids.numel() and not (ids.array.min() >= 0 and ids.array.max() < count):
        fail(f"ids from {ids.array.min()} to {ids.array.max()} for {count} classes", ArrayIndexError)
    return Tensor(np.eye(count, dtype=dtypes.int64)[ids.array])


@check_arguments
def softmax(input: Tensor, dim: int, *, dtype: DType = None) -> Tensor:
    """Return exp(input) along a dimension, divided by its sum: numbers above 0 that add up to 1."""
    return reductions.softmax(input, dim, dtype)


@check_arguments
def log_softmax(input: Tensor, dim: int, *, dtype: DType = None) -> Tensor:
    """Return the log of softmax, safe where a probability is too small for a number."""
    return reductions.log_softmax(input, dim, dtype)


def _fits_classes(weight: Tensor, input: Tensor, dim: int) -> None:
    _alike("cross_entropy", input=input, weight=weight)
    if weight.shape != (input.shape[dim],):
        fail(f"the argument 'weight' is [{input.shape[dim]}], a number for each class, not {shape_of(weight)}")


def _floating(name: str, input: Tensor) -> None:
    if input.dtype.kind != "f":
        fail(f"{name}() is for floating numbers, and the argument 'input' is {input.dtype}; say float() first")


def _alike(name: str, **given: Tensor) -> None:
    if len({x.dtype for x in given.values()}) > 1:
        kinds = " and ".join(f"{argument} {x.dtype}" for argument, x in given.items())
        fail(f"{name}(): the dtypes do not fit: {kinds}; expected the same")


def _broadcast(name: str, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return both in one shape before they meet, so that a single number counts as an array, as in PyTorch."""
    if "b" in (input.dtype.kind, target.dtype.kind):
        fail(f"{name}() has truth values as 'input' or 'target'; say float() first")
    try:
        shape = np.broadcast_shapes(input.shape, target.shape)
    except ValueError:
        shapes = operands(shape_of(input), shape_of(target), called=_LOSS)
        fail(f"shapes do not fit: {shapes}; from the right, each two must be equal or one of them 1")
    return input.expand(shape), target.expand(shape)


@check_arguments
def softplus(input: Tensor) -> Tensor:
    """Return log(1 + exp(input)), a smooth relu."""
    _floating("softplus", input)
    return elementwise.softplus(input)


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
    """Return the mean of -log softmax(input) at the right class.

    input: logits [C], [B, C] or [B, C, ...]. target: classes [], [B] or [B, ...], or probabilities in the shape of the
    input. weight: how much each class counts [C]. ignore_index: a class that does not count at all.
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
    """Return the mean of -input at the right class; input holds log probabilities [C], [B, C] or [B, C, ...]."""
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
    """Return how much each target counts: 0 where it is ignored."""
    ones = mask.to(dtype)
    return ones if weight is None else ones * weight[where(mask, target, 0)]


@check_arguments
def mse_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Return the mean of the squared differences."""
    input, target = _broadcast("mse_loss", input, target)
    return _reduced((input - target).square(), reduction)


@check_arguments
def l1_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Return the mean of the differences without their signs."""
    input, target = _broadcast("l1_loss", input, target)
    return _reduced(absolute(input - target), reduction)


@check_arguments
def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Return the mean of -log of the probability of the target, 0 or 1, where sigmoid(input) is that of 1."""
    _floating("binary_cross_entropy_with_logits", input)
    _alike("binary_cross_entropy_with_logits", input=input, target=target)
    if input.shape != target.shape:
        fail(f"shapes do not fit: {operands(shape_of(input), shape_of(target), called=_LOSS)}; expected the same")
    return _reduced(softplus(input) - input * target, reduction)
