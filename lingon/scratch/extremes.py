"""Maximum and minimum, their indices, and sorting."""

# ruff: noqa: RUF013 - a default of None means that an argument is left out; PyTorch refuses None itself there

import builtins
import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lingon.scratch import dtypes
from lingon.scratch.arguments import Dims, check_arguments
from lingon.scratch.choice import maximum, minimum
from lingon.scratch.dimensions import normalize_dim, shape_of
from lingon.scratch.error_context import ArrayIndexError, MathError, fail, operands
from lingon.scratch.record import method, record
from lingon.scratch.reductions import _again, _dims, _only_along
from lingon.scratch.tensor import Tensor


class ValuesAndIndices(NamedTuple):
    """Values and indices: the results of max and min along a dimension."""

    values: Tensor
    indices: Tensor


def _extreme(name: str, pick: Callable, place: Callable, pair: Callable) -> Callable:
    def along(x: Tensor, dim: int = None, keepdim: bool = None) -> Tensor | ValuesAndIndices:
        if dim is None:
            _only_along(name, keepdim)
            return _evenly(name, pick, x, None, False)
        indices = _place(name, place, x, dim, keepdim=True)
        values = x.gather(dim, indices)
        return ValuesAndIndices(*((v if keepdim else v.squeeze(dim)) for v in (values, indices)))

    along.__name__ = along.__qualname__ = name
    along = check_arguments(along)

    @functools.wraps(along)
    def full(*args, **named) -> Tensor | ValuesAndIndices:
        two = "other" in named or (len(args) > 1 and isinstance(args[1], Tensor))
        return (pair if two else along)(*args, **named)

    full.__doc__ = (
        f"Return the {name} of all elements; along a dimension, with indices; of two arrays, the element-wise {name}."
    )
    setattr(Tensor, name, full)
    return full


def _evenly(name: str, pick: Callable, x: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    """Return the maximum or minimum; its gradient is divided evenly among equal elements."""
    dims = _dims(x, dim)
    _some(name, x, dims, ArrayIndexError if dim is not None else MathError)
    value = np.asarray(pick(x.array, axis=dims, keepdims=keepdim))
    whole = value.reshape([1 if d in dims else size for d, size in enumerate(x.shape)])
    best = (x.array == whole) | ((x.array != x.array) & (whole != whole))
    share = best / np.maximum(best.sum(dims, keepdims=True), 1)
    share = Tensor(share.astype(x.dtype, copy=False))
    return record(name, value, (x,), (lambda g: _again(x, g, dims, keepdim) * share,))


def _some(name: str, x: Tensor, dims: tuple[int, ...], kind: type = ArrayIndexError) -> None:
    if builtins.any(not x.shape[d] for d in dims):
        fail(f"{name} of no numbers: {operands(shape_of(x))}", kind)


def _place(name: str, place: Callable, x: Tensor, dim: int | None, keepdim: bool = False) -> Tensor:
    if x.dtype.kind == "b" and name.startswith("arg"):
        fail(f"{name} of truth values; say x.int() first")
    dims = _dims(x, dim)
    _some(name, x, dims, ArrayIndexError if dim is not None else MathError)
    if not x.ndim:
        return Tensor(np.zeros((), dtypes.int64))
    found = place(x.array, axis=None if dim is None else dims[0], keepdims=keepdim)
    return Tensor(np.asarray(found).astype(dtypes.int64, copy=False))


max = _extreme("max", np.max, np.argmax, maximum)


min = _extreme("min", np.min, np.argmin, minimum)


@method
def amax(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Return the maximum along dimensions; its gradient is divided evenly among equal elements."""
    return _evenly("amax", np.max, x, dim, keepdim)


@method
def amin(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Return the minimum along dimensions; its gradient is divided evenly among equal elements."""
    return _evenly("amin", np.min, x, dim, keepdim)


@method
def argmax(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the index of the maximum, the first of equal ones."""
    return _place("argmax", np.argmax, x, dim, keepdim)


@method
def argmin(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the index of the minimum, the first of equal ones."""
    return _place("argmin", np.argmin, x, dim, keepdim)


@method
def argsort(x: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Tensor:
    """Return the indices that sort x in ascending order, equal elements in their original order; NaN comes last."""
    dim = normalize_dim(x, dim)
    if not x.ndim:
        return Tensor(np.zeros((), dtypes.int64))
    if not descending:
        return Tensor(np.argsort(x.array, dim, kind="stable"))
    # The order of the flipped array, itself flipped: descending, with equal elements in their original order.
    order = np.flip(np.argsort(np.flip(x.array, dim), dim, kind="stable"), dim)
    return Tensor(x.shape[dim] - 1 - order)
