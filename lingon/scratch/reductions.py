"""Reductions: sum, mean, variance, product, any, all; and cumulative sum."""

# ruff: noqa: RUF013 - a default of None means that an argument is left out; PyTorch refuses None itself there

import builtins
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from lingon.scratch import dtypes
from lingon.scratch.arguments import Dims, DType, Number, argument_type, as_number, check_arguments
from lingon.scratch.choice import where
from lingon.scratch.dimensions import normalize_dim, shape_of
from lingon.scratch.error_context import ArrayTypeError, fail, operands
from lingon.scratch.record import method, record
from lingon.scratch.tensor import Tensor

NOT_GIVEN: Any = ...  # other than None, which means all dimensions

argument_type(Number | None, "a number or None", as_number, float, int, bool, type(None))


def _dims(x: Tensor, dim: Dims) -> tuple[int, ...]:
    """Return the dimensions counted from 0; None or an empty list means all."""
    if dim is None or dim is ... or (not isinstance(dim, int) and not len(dim)):
        return tuple(range(x.ndim))
    named = (dim,) if isinstance(dim, int) else tuple(dim)
    dims = tuple(normalize_dim(x, d) for d in named)
    if len(set(dims)) < len(dims):
        fail(f"a dimension is named twice in {named}")
    return dims if x.ndim else ()


def _again(x: Tensor, g: Tensor, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    """Return a reduced array with the reduced dimensions restored, each of size 1."""
    return g if keepdim else g.reshape([1 if d in dims else size for d, size in enumerate(x.shape)])


@method
def sum(x: Tensor, dim: Dims = NOT_GIVEN, keepdim: bool = None, *, dtype: DType = None) -> Tensor:
    """Return the sum over all elements, or along dimensions; int64 for integers and bools."""
    x, keepdim = _as("sum", x, dtype), _kept("sum", dim, keepdim)
    dims = _dims(x, dim)
    kind = dtype or (x.dtype if x.dtype.kind == "f" else dtypes.int64)
    value = np.sum(x.array, dims, dtype=kind, keepdims=keepdim)
    return record("sum", value, (x,), (lambda g: _again(x, g, dims, keepdim).expand(x.shape),))


@method
def mean(x: Tensor, dim: Dims = NOT_GIVEN, keepdim: bool = None, *, dtype: DType = None) -> Tensor:
    """Return the mean; only for floating point, unless `dtype` is given."""
    x, keepdim = _as("mean", x, dtype), _kept("mean", dim, keepdim)
    _floating(x, "mean")
    return sum(x, None if dim is ... else dim, keepdim) / _count(x, dim)


def _as(name: str, x: Tensor, dtype: DType) -> Tensor:
    if x.requires_grad and dtype is not None and dtype.kind != "f":
        fail(f"{name}(): the argument 'dtype' is {dtype}, which has no gradients; say x.detach() first")
    return x if dtype is None else x.to(dtype)


def _kept(name: str, dim: Dims, keepdim: bool | None) -> bool:
    if keepdim is not None and dim is ...:
        fail(f"{name}() takes 'keepdim' only together with 'dim', which may be None", ArrayTypeError)
    return bool(keepdim)


def _floating(x: Tensor, name: str) -> None:
    if x.dtype.kind != "f":
        fail(f"{name} is for floating numbers, and {operands(shape_of(x))} is {x.dtype}; say float() first")


def _count(x: Tensor, dim: Dims) -> int:
    return int(np.prod([x.shape[d] for d in _dims(x, dim)]))


def _unbiased_first(function: Callable) -> Callable:
    """Return the function extended so that its first argument may be `unbiased`: x.var(False)."""
    full, of_array = check_arguments(function), check_arguments(function, method=True)

    def shifted(held: Callable) -> Callable:
        @functools.wraps(held)
        def call(*args, **named) -> Tensor:
            first = len(args) == 2 and isinstance(args[1], bool)
            return held(*((args[0], None, args[1]) if first else args), **named)

        return call

    setattr(Tensor, function.__name__, shifted(of_array))
    return shifted(full)


@_unbiased_first
def var(
    x: Tensor, dim: Dims = None, unbiased: bool = None, keepdim: bool = False, *, correction: Number | None = None
) -> Tensor:
    """Return the variance: the sum of squared deviations from the mean, divided by n - `correction`, by default 1.

    unbiased: instead of correction, 1 for True and 0 for False; may be the first argument, x.var(False).
    """
    _floating(x, "var")
    correction, count = _corrected("var", unbiased, correction), _count(x, dim)
    squares = (x - mean(x, dim, keepdim=True)).square()
    return sum(squares, dim, keepdim) / (builtins.max(0, count - correction) if count else 0)


def _corrected(name: str, unbiased: bool | None, correction: Number | None) -> Number:
    if unbiased is not None and correction is not None:
        fail(f"{name}() takes 'unbiased' or 'correction', not both", ArrayTypeError)
    return int(unbiased) if unbiased is not None else 1 if correction is None else correction


@_unbiased_first
def std(
    x: Tensor, dim: Dims = None, unbiased: bool = None, keepdim: bool = False, *, correction: Number | None = None
) -> Tensor:
    """Return the standard deviation, the square root of the variance; where that is 0, the gradient is 0."""
    _floating(x, "std")
    correction = _corrected("std", unbiased, correction)
    return _root(var(x, dim, keepdim=keepdim, correction=correction))


def _root(x: Tensor) -> Tensor:
    zero = x == 0
    return where(zero, 0.0, where(zero, 1.0, x).sqrt())


@method
def prod(x: Tensor, dim: int = None, keepdim: bool = None, *, dtype: DType = None) -> Tensor:
    """Return the product of all elements, or along a dimension: by halves, so that gradients at 0 are right too."""
    x = _as("prod", x, dtype or (x.dtype if x.dtype.kind == "f" else dtypes.int64))
    if dim is None:
        _only_along("prod", keepdim)
        return prod(x.reshape(-1), 0, dtype=x.dtype)
    last = x.transpose(normalize_dim(x, dim), -1) if x.ndim else x.reshape(1)
    if not last.shape[-1]:
        last = (last.sum(-1, keepdim=True) + 1).to(x.dtype)
    elif last.shape[-1] == 1:
        last = last.clone()  # a result must not share memory with x
    while last.shape[-1] > 1:
        half, odd = divmod(last.shape[-1], 2)
        pairs = last[..., :half] * last[..., half : 2 * half]
        last = _behind(pairs, last[..., 2 * half :]) if odd else pairs
    normalize_dim(x, dim)
    kept = last.transpose(dim, -1) if x.ndim else last.reshape(())
    return kept if keepdim or not x.ndim else kept.squeeze(dim)


def _only_along(name: str, keepdim: bool | None) -> None:
    if keepdim is not None:
        fail(f"{name}() takes 'keepdim' only together with 'dim'", ArrayTypeError)


def _behind(a: Tensor, b: Tensor) -> Tensor:
    count = a.shape[-1]
    rules = (lambda g: g[..., :count], lambda g: g[..., count:])
    return record("cat", np.concatenate([a.array, b.array], -1), (a, b), rules)


@method
def cumsum(x: Tensor, dim: int, *, dtype: DType = None) -> Tensor:
    """Return the cumulative sum along a dimension."""
    dim = normalize_dim(x, dim)
    dtype = dtype or (x.dtype if x.dtype.kind == "f" else dtypes.int64)
    x = _as("cumsum", x, dtype)
    value = np.cumsum(x.array, dim, dtype=dtype) if x.ndim else x.array.copy()
    return record("cumsum", value, (x,), (lambda g: g.flip((dim,)).cumsum(dim).flip((dim,)) if x.ndim else g,))


@method
def any(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Return whether any element is nonzero; for no dimensions, (), element-wise."""
    return _truth(x, np.any(x.array, axis=() if dim == () else _dims(x, dim), keepdims=keepdim))


@method
def all(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Return whether all elements are nonzero; for no dimensions, (), element-wise."""
    return _truth(x, np.all(x.array, axis=() if dim == () else _dims(x, dim), keepdims=keepdim))


def _truth(x: Tensor, value: np.ndarray) -> Tensor:
    """Return a bool array; for uint8, once PyTorch's type for bools, still uint8."""
    return Tensor(np.asarray(value).astype(x.dtype if x.dtype == dtypes.uint8 else dtypes.bool))
