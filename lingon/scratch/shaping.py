"""Operations that rearrange elements: reshape, transpose, expand, flip, triangles."""

# ruff: noqa: RUF013 - a default of None means that an argument is left out; PyTorch refuses None itself there

from collections.abc import Sequence

import numpy as np

from lingon.scratch.choice import where
from lingon.scratch.dimensions import normalize_dim, shape_of
from lingon.scratch.error_context import fail, operands
from lingon.scratch.operands import as_tensor
from lingon.scratch.record import method, record
from lingon.scratch.tensor import Tensor


@method
def reshape(x: Tensor, *shape: int) -> Tensor:
    """Return the elements, in the same order, in another shape; one size may be -1 and is inferred."""
    known = 1
    for size in shape:
        known *= size if size != -1 else 1
    rest = shape.count(-1) == 1 and known and x.numel() % known == 0
    if min(shape, default=0) < -1 or not (rest or (-1 not in shape and known == x.numel())):
        fail(f"{operands(shape_of(x))} has {x.numel()} numbers, which do not fill the shape {list(shape)}")
    view = (lambda whole: whole.reshape(shape), lambda whole, part: part.reshape(whole.shape))
    return record("reshape", x.array.reshape(shape), (x,), (lambda g: g.reshape(x.shape),), view=view)


@method
def view(x: Tensor, *size: int) -> Tensor:
    """Return a contiguous array in another shape, sharing its memory."""
    if not x.is_contiguous():
        fail(f"view of an array {operands(shape_of(x))} with the strides {list(x.stride())}, not in a row; use reshape")
    return reshape(x, size)


@method
def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Return x with the dimensions from `start_dim` to `end_dim` merged into one."""
    start, end = normalize_dim(x, start_dim), normalize_dim(x, end_dim)
    if start > end:
        fail(f"flatten from dimension {start} to {end}: the first comes after the last")
    return x.reshape((*x.shape[:start], int(np.prod(x.shape[start : end + 1])), *x.shape[end + 1 :]))


@method
def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """Return x with a new dimension of size 1 at `dim`."""
    dim = dim % (x.ndim + 1) if -x.ndim - 1 <= dim <= x.ndim else normalize_dim(x, dim, more=1)
    return x.reshape((*x.shape[:dim], 1, *x.shape[dim:])) if x.is_contiguous() else x[(slice(None),) * dim + (None,)]


@method
def squeeze(x: Tensor, dim: int | Sequence[int] = None) -> Tensor:  # type: ignore[assignment]
    """Return x without the dimensions of size 1, or without those of `dim` that have size 1."""
    dims = range(x.ndim) if dim is None else [normalize_dim(x, d) for d in ([dim] if isinstance(dim, int) else dim)]
    if len(set(dims)) < len(dims):
        fail(f"squeeze(): a dimension is named twice in dim {dim}")
    gone = {d for d in dims if x.ndim and x.shape[d] == 1}
    return x.reshape([size for d, size in enumerate(x.shape) if d not in gone])


@method
def permute(x: Tensor, *dims: int) -> Tensor:
    """Return x with its dimensions permuted: the same memory with other strides."""
    order = tuple(normalize_dim(x, d) for d in dims)
    if sorted(order) != list(range(x.ndim)):
        fail(f"permute{dims} of {operands(shape_of(x))}: each dimension is named once")
    back = [order.index(d) for d in range(x.ndim)]
    view = (lambda whole: whole.permute(order), lambda whole, part: part.permute(back))
    return record("permute", x.array.transpose(order), (x,), (lambda g: g.permute(back),), view=view)


@method
def transpose(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """Return x with two dimensions exchanged."""
    order, a, b = list(range(x.ndim)), normalize_dim(x, dim0), normalize_dim(x, dim1)
    if x.ndim:
        order[a], order[b] = order[b], order[a]
    return x.permute(order)


@method
def t(x: Tensor) -> Tensor:
    """Return a matrix transposed; an array with fewer dimensions unchanged."""
    if x.ndim > 2:
        fail(f"t() is for at most two dimensions, not {operands(shape_of(x))}; use transpose or mT")
    return x.permute(tuple(range(x.ndim))[::-1])


def matrix_transpose(x: Tensor) -> Tensor:
    """Return x with its last two dimensions exchanged."""
    if x.ndim < 2:
        fail(f"mT is for a matrix, or many of them; this is {operands(shape_of(x))}")
    return x.transpose(-2, -1)


for _name, _getter in {"T": lambda x: x.permute(tuple(range(x.ndim))[::-1]), "mT": matrix_transpose}.items():
    setattr(Tensor, _name, property(_getter))


@method
def expand(x: Tensor, *size: int) -> Tensor:
    """Return x repeated along dimensions of size 1 and along new leading ones, without a copy. -1 keeps a size."""
    sizes = size
    old = (1,) * (len(sizes) - x.ndim) + x.shape
    shape = tuple(have if want == -1 else want for want, have in zip(sizes, old, strict=False))
    fits = len(old) == len(sizes) and all(h in (1, w) for h, w in zip(old, shape, strict=True))
    if not fits or any(size < 0 for size in shape) or -1 in sizes[: len(sizes) - x.ndim]:
        rule = "only sizes of 1 grow, and new dimensions come in front"
        fail(f"{operands(shape_of(x))} cannot be expanded to {list(sizes)}; {rule}")
    view = (lambda whole: whole.expand(shape), None)
    return record("expand", np.broadcast_to(x.array, shape), (x,), (lambda g: g,), view=view)


@method
def broadcast_to(x: Tensor, size: Sequence[int]) -> Tensor:
    """Return x broadcast to a shape, without a copy."""
    return x.expand(size)


@method
def contiguous(x: Tensor) -> Tensor:
    """Return x contiguous in memory: x itself if it is already, else a copy."""
    return x if x.is_contiguous() else x.clone()


@method
def clone(x: Tensor) -> Tensor:
    """Return a copy of x; gradients flow through it."""
    return record("clone", x.array.copy(), (x,), (lambda g: g,))


@method
def flip(x: Tensor, *dims: int) -> Tensor:
    """Return x reversed along dimensions."""
    dims = tuple(normalize_dim(x, d) for d in dims)
    if len(set(dims)) < len(dims):
        fail(f"flip(): a dimension is named twice in dims {dims}")
    value = np.flip(x.array, dims).copy() if x.ndim else x.array.copy()
    return record("flip", value, (x,), (lambda g: g.flip(dims),))


# ---- indexing: basic indices give views, integer and bool arrays give copies ----


# ---- joining and splitting ----


def _matrix(name: str, x: Tensor) -> None:
    if x.ndim < 2:
        fail(f"{name} is for matrices, and {operands(shape_of(x))} has fewer than two dimensions")


@method
def tril(x: Tensor, diagonal: int = 0) -> Tensor:
    """Return the lower triangle: the elements on and below a diagonal; 0 above."""
    _matrix("tril", x)
    return where(Tensor(np.tril(np.ones(x.shape[-2:], bool), diagonal)), x, as_tensor(0).to(x.dtype))


@method
def triu(x: Tensor, diagonal: int = 0) -> Tensor:
    """Return the upper triangle: the elements on and above a diagonal; 0 below."""
    _matrix("triu", x)
    return where(Tensor(np.triu(np.ones(x.shape[-2:], bool), diagonal)), x, as_tensor(0).to(x.dtype))
