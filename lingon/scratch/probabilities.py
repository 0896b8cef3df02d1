"""Softmax, log-softmax and log-sum-exp, without overflow for large numbers."""

from collections.abc import Sequence

import numpy as np

from lingon.scratch import dtypes
from lingon.scratch.arguments import DType
from lingon.scratch.error_context import fail
from lingon.scratch.record import method, record
from lingon.scratch.reductions import _dims, _floating, sum
from lingon.scratch.tensor import Tensor


@method
def logsumexp(x: Tensor, dim: int | Sequence[int], keepdim: bool = False) -> Tensor:
    """Return the logarithm of the sum of exp(x), without overflow: the maximum is subtracted first."""
    if dim == ():
        fail("logsumexp(): the argument 'dim' is at least one dimension, not ()")
    x = x if x.dtype.kind == "f" else x.to(dtypes.DEFAULT)
    largest = _largest(x, _dims(x, dim))
    total = sum((x - largest).exp(), dim, keepdim=True).log() + largest
    return total if keepdim else total.squeeze(_dims(x, dim))


def _largest(x: Tensor, dims: tuple[int, ...]) -> Tensor:
    largest = np.max(x.array, axis=dims, keepdims=True, initial=-np.inf)
    return Tensor(np.where(np.isfinite(largest), largest, 0).astype(x.dtype))


@method
def softmax(x: Tensor, dim: int, dtype: DType = None) -> Tensor:
    """Return exp(x) divided by its sum along a dimension: positive numbers that add up to 1."""
    x = x if dtype is None else x.to(dtype)
    _floating(x, "softmax")
    dims = _dims(x, dim)
    with np.errstate(all="ignore"):
        value = np.exp(x.array - np.max(x.array, axis=dims, keepdims=True, initial=-np.inf))
        value /= np.sum(value, axis=dims, keepdims=True)

    def rule(g: Tensor) -> Tensor:
        p = softmax(x, dim)
        return p * (g - sum(g * p, dims, keepdim=True))

    return record("softmax", value, (x,), (rule if x.ndim else lambda g: g * 0,), (x,))


@method
def log_softmax(x: Tensor, dim: int, dtype: DType = None) -> Tensor:
    """Return the logarithm of softmax, without underflow for small probabilities."""
    x = x if dtype is None else x.to(dtype)
    _floating(x, "log_softmax")
    dims = _dims(x, dim)
    with np.errstate(all="ignore"):
        value = x.array - np.max(x.array, axis=dims, keepdims=True, initial=-np.inf)
        value = value - np.log(np.sum(np.exp(value), axis=dims, keepdims=True))
    rule = lambda g: g - softmax(x, dim) * sum(g, dims, keepdim=True)
    return record("log_softmax", value, (x,), (rule if x.ndim else lambda g: g * 0,), (x,))
