"""Concatenation of arrays along a dimension, and splitting into pieces."""

import functools
from collections.abc import Callable, Sequence

import numpy as np

from lingon.scratch.arguments import check_arguments
from lingon.scratch.dimensions import normalize_dim, shape_of
from lingon.scratch.dtypes import promote
from lingon.scratch.error_context import fail, operands
from lingon.scratch.operands import as_tensor
from lingon.scratch.record import method, record
from lingon.scratch.tensor import Tensor


@functools.partial(check_arguments, variadic=False)
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Return arrays concatenated along an existing dimension; all other sizes must be equal."""
    xs = [as_tensor(x) for x in tensors]
    if not xs:
        fail("cat of nothing: expected at least one array")
    full = [x for x in xs if x.shape != (0,)] or xs[:1]  # PyTorch ignores arrays of shape [0] here
    if not xs[0].ndim:
        fail("single numbers cannot be put behind each other; use stack")
    dim = normalize_dim(full[0], dim)
    rest = {(x.ndim, x.shape[:dim], x.shape[dim + 1 :]) for x in full}
    if len(rest) > 1:
        fail(f"cat along dimension {dim}: shapes do not fit, {operands(*map(shape_of, xs))}; all others must be equal")
    dtype = xs[0].dtype
    for x in xs[1:]:
        dtype = promote(dtype, x.dtype)
    value = np.concatenate([x.array.astype(dtype, copy=False) for x in full], dim)
    ends = np.cumsum([x.shape[dim] for x in full])
    rules = [_slice_rule(dim, int(end) - x.shape[dim], int(end)) for x, end in zip(full, ends, strict=True)]
    return record("cat", value, full, rules)


def _slice_rule(dim: int, start: int, end: int) -> Callable:
    return lambda g: g[(slice(None),) * dim + (slice(start, end),)]


@functools.partial(check_arguments, variadic=False)
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Return arrays of the same shape joined along a new dimension."""
    xs = [as_tensor(x) for x in tensors]
    if not xs:
        fail("stack of nothing: expected at least one array")
    if len({x.shape for x in xs}) > 1:
        fail(
            f"stack needs equal shapes, got {operands(*map(shape_of, xs[:8]))}; "
            "cat joins along a dimension that is there"
        )
    return cat([x.unsqueeze(dim) for x in xs], dim if dim >= 0 else dim + xs[0].ndim + 1)


def _split(x: Tensor, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Return pieces along a dimension, of equal size (the last one may be smaller), or of the given sizes."""
    size, dim = split_size, normalize_dim(x, dim)
    if not x.ndim:
        fail("split of a single number; expected at least one dimension")
    total = x.shape[dim]
    if isinstance(size, int):
        if size < 0 or (not size and total):
            fail(f"split of {operands(shape_of(x))} into pieces of {size}; expected at least 1")
        size = [min(size, total - start) for start in range(0, total, max(size, 1))] or [0]
    if min(size, default=0) < 0 or sum(size) != total:
        fail(f"split of {operands(shape_of(x))} along dimension {dim}: the sizes {list(size)} do not add up to {total}")
    ends = np.cumsum(size).tolist()
    return tuple(x[(slice(None),) * dim + (slice(end - n, end),)] for n, end in zip(size, ends, strict=True))


_split.__name__ = "split"


Tensor.split = check_arguments(_split, method=True)  # type: ignore[method-assign]


@functools.partial(check_arguments, variadic=False)
def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Return pieces along a dimension, of equal size (the last one may be smaller), or of the given sizes."""
    return _split(tensor, split_size_or_sections, dim)


@method
def chunk(x: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Return `chunks` pieces of equal size along a dimension (the last one may be smaller)."""
    if chunks < 1:
        fail(f"chunk of {operands(shape_of(x))} into {chunks} pieces; expected at least 1")
    if not x.ndim:
        fail("chunk of a single number; expected at least one dimension")
    total = x.size(dim)
    return _split(x, -(-total // chunks), dim) if total else _split(x, [0] * chunks, dim)


@method
def unbind(x: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Return the slices along a dimension, which is removed."""
    if not x.ndim:
        fail("unbind of a single number; expected at least one dimension")
    return tuple(x[(slice(None),) * normalize_dim(x, dim) + (i,)] for i in range(x.size(dim)))


concat = concatenate = cat
