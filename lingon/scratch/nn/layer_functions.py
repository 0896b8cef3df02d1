"""Layers as functions."""

from collections.abc import Sequence

import numpy as np

from lingon.scratch import dtypes, probabilities, random, unary
from lingon.scratch.arguments import DType, check_arguments
from lingon.scratch.choice import where
from lingon.scratch.dimensions import shape_of
from lingon.scratch.error_context import ArrayIndexError, fail, operands
from lingon.scratch.tensor import Tensor


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
    """Return input with elements set to 0 with probability `p` and the others divided by 1 - p, to keep the mean."""
    if not 0 <= p <= 1:
        fail(f"dropout of {p}; expected a fraction from 0 to 1")
    if input.dtype.kind != "f":
        fail(f"dropout() is for floating numbers, and the argument 'input' is {input.dtype}; say float() first")
    if not training or not p:
        return input
    kept = (random.rand(input.shape) >= p).to(input.dtype)
    return input * (kept / (1 - p) if p < 1 else kept)


@check_arguments
def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Return input padded with `value`; `pad` has pairs from the last dimension on: (left, right, top, bottom, ...)."""
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
    """Return ids [...] as one-hot vectors: [..., C] of int64."""
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
    """Return exp(input) divided by its sum along a dimension: positive numbers that add up to 1."""
    return probabilities.softmax(input, dim, dtype)


@check_arguments
def log_softmax(input: Tensor, dim: int, *, dtype: DType = None) -> Tensor:
    """Return the logarithm of softmax, without underflow for small probabilities."""
    return probabilities.log_softmax(input, dim, dtype)


def _floating(name: str, input: Tensor) -> None:
    if input.dtype.kind != "f":
        fail(f"{name}() is for floating numbers, and the argument 'input' is {input.dtype}; say float() first")


@check_arguments
def softplus(input: Tensor) -> Tensor:
    """Return log(1 + exp(input)), a smooth relu."""
    _floating("softplus", input)
    return unary.softplus(input)
