"""Operations that move numbers and leave them as they are: reshape, transpose, expand, index, join, cut."""

# ruff: noqa: RUF013 - a default of None means that an argument is left out; PyTorch refuses None itself there

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lingon.scratch.arguments import check_arguments
from lingon.scratch.dtypes import promote
from lingon.scratch.elementwise import where
from lingon.scratch.error_context import ArrayIndexError, fail, operands
from lingon.scratch.tensor import Tensor, as_tensor, method, normalize_dim, record, shape_of

Key = int | slice | None | Tensor | np.ndarray | list | tuple


@method
def reshape(x: Tensor, *shape: int) -> Tensor:
    """Return the same numbers in the same order in another shape; one size may be -1, which is what is left."""
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
    """Reshape an array whose numbers are contiguous in memory."""
    if not x.is_contiguous():
        fail(f"view of an array {operands(shape_of(x))} with the strides {list(x.stride())}, not in a row; use reshape")
    return reshape(x, size)


@method
def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Merge the dimensions from `start_dim` to `end_dim` into one."""
    start, end = normalize_dim(x, start_dim), normalize_dim(x, end_dim)
    if start > end:
        fail(f"flatten from dimension {start} to {end}: the first comes after the last")
    return x.reshape((*x.shape[:start], int(np.prod(x.shape[start : end + 1])), *x.shape[end + 1 :]))


@method
def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """Insert a new dimension of size 1 at `dim`."""
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
    """Permute the dimensions; the same memory, read in other steps."""
    order = tuple(normalize_dim(x, d) for d in dims)
    if sorted(order) != list(range(x.ndim)):
        fail(f"permute{dims} of {operands(shape_of(x))}: each dimension is named once")
    back = [order.index(d) for d in range(x.ndim)]
    view = (lambda whole: whole.permute(order), lambda whole, part: part.permute(back))
    return record("permute", x.array.transpose(order), (x,), (lambda g: g.permute(back),), view=view)


@method
def transpose(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """Exchange two dimensions."""
    order, a, b = list(range(x.ndim)), normalize_dim(x, dim0), normalize_dim(x, dim1)
    if x.ndim:
        order[a], order[b] = order[b], order[a]
    return x.permute(order)


@method
def t(x: Tensor) -> Tensor:
    """Transpose a matrix; what has fewer dimensions stays."""
    if x.ndim > 2:
        fail(f"t() is for at most two dimensions, not {operands(shape_of(x))}; use transpose or mT")
    return x.permute(tuple(range(x.ndim))[::-1])


def matrix_transpose(x: Tensor) -> Tensor:
    """Exchange the last two dimensions."""
    if x.ndim < 2:
        fail(f"mT is for a matrix, or many of them; this is {operands(shape_of(x))}")
    return x.transpose(-2, -1)


for _name, _getter in {"T": lambda x: x.permute(tuple(range(x.ndim))[::-1]), "mT": matrix_transpose}.items():
    setattr(Tensor, _name, property(_getter))


@method
def expand(x: Tensor, *size: int) -> Tensor:
    """Repeat along dimensions of size 1, and along new ones in front, without a copy. -1 keeps a size."""
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
    """Repeat to the shape, without a copy."""
    return x.expand(size)


@method
def contiguous(x: Tensor) -> Tensor:
    """Return the same numbers, in a row in memory: the array itself where they lie so already."""
    return x if x.is_contiguous() else x.clone()


@method
def clone(x: Tensor) -> Tensor:
    """Return a copy in memory of its own; gradients flow through it."""
    return record("clone", x.array.copy(), (x,), (lambda g: g,))


@method
def flip(x: Tensor, *dims: int) -> Tensor:
    """Reverse the named dimensions."""
    dims = tuple(normalize_dim(x, d) for d in dims)
    if len(set(dims)) < len(dims):
        fail(f"flip(): a dimension is named twice in dims {dims}")
    value = np.flip(x.array, dims).copy() if x.ndim else x.array.copy()
    return record("flip", value, (x,), (lambda g: g.flip(dims),))


# ---- indexing: basic keys give views, arrays of places or of truth values give copies ----


def _get(x: Tensor, key: Key) -> Tensor:
    places, rest = _places(x, key)
    try:
        value = x.array[places]
    except IndexError as error:
        fail(f"index {_written(key)} of {operands(shape_of(x))}: {error}", ArrayIndexError)
    view = (lambda whole: whole[places], lambda whole, part: put_at(whole, places, part))
    out = record("index", value, (x,), (lambda g: _back(g, places, x.shape),), view=view)
    return out if rest is None else out[rest]


Tensor.__getitem__ = _get  # type: ignore[method-assign, assignment]


def _back(g: Tensor, places: tuple, shape: tuple[int, ...]) -> Tensor:
    """Return the backward pass of an index: zeros of that shape, to which each gradient is added at its place."""
    value = np.zeros(shape, g.dtype)
    if any(isinstance(place, np.ndarray) for place in places):
        np.add.at(value, places, g.array)  # a place that was read twice gets both
    else:
        value[places] = g.array
    return record("index_back", value, (g,), (lambda h: h[places],))


def put_at(x: Tensor, key: Any, value: Tensor) -> Tensor:
    """Return x with the value at those places: what x[key] = value makes of x."""
    (places, rest), value = _places(x, key), as_tensor(value)
    if rest is not None:
        value = put_at(x[places], rest, value)
    indexed = [place for place in places if isinstance(place, np.ndarray)]
    if indexed and value.dtype != x.dtype and not (value.number or (not value.ndim and indexed[0].dtype.kind == "b")):
        fail(f"index {_written(key)}: an array of {value.dtype} is put into one of {x.dtype}; say value.to(x.dtype)")
    array = x.array.copy()
    if x.dtype.kind in "iu" and not np.isfinite(value.array).all():
        fail(f"a value {value.tolist()} does not fit into an array of {x.dtype}")
    try:
        array[places] = value.array.astype(x.dtype, copy=False)
    except IndexError as error:
        fail(f"index {_written(key)} of {operands(shape_of(x))}: {error}", ArrayIndexError)
    except ValueError:
        place = f"{_written(key)} of {operands(shape_of(x))}"
        fail(f"a value {shape_of(value)} does not fit at {place}, which is {shape_of(array[places])}")
    rules = (lambda g: put_at(g, places, Tensor(np.zeros((), g.dtype))), lambda g: g[places])
    return record("put_at", array, (x, value), rules)


def _places(x: Tensor, key: Key) -> tuple[tuple, tuple | None]:
    """Return the key as NumPy understands it, checked as PyTorch does, and a second key for the result of the first.

    Numbers among arrays of places are taken first, as in PyTorch; to NumPy they would be arrays of places too.
    """
    keys = key if isinstance(key, tuple) else (key,)
    places: tuple[Any, ...] = tuple(_place(x, k, key) for k in keys)
    if not any(place is Ellipsis for place in places):
        places = (*places, ...)  # without it NumPy gives a single number as a copy, not as a view
    if not (any(_is_number(p) for p in places) and any(isinstance(p, np.ndarray) for p in places)):
        return places, None
    first = [whole for place in places for whole in _whole(place)]
    return tuple(first), tuple(place for place in places if not _is_number(place))


def _is_number(place: int | slice | np.ndarray | None) -> bool:
    return isinstance(place, int | np.integer)


def _whole(place: int | slice | np.ndarray | None) -> list:
    """Return the dimensions of x that a place stands for, each taken whole unless the place is a number."""
    if isinstance(place, np.ndarray):
        return [slice(None)] * (place.ndim if place.dtype.kind == "b" else 1)
    return [] if place is None else [slice(None) if isinstance(place, slice) else place]


def _place(x: Tensor, k: Key, key: Key) -> int | slice | np.ndarray | None:
    if isinstance(k, slice):
        ends = [None if end is None else int(end) for end in (k.start, k.stop, k.step)]
        if ends[2] is not None and ends[2] <= 0:
            fail(f"index {_written(key)} of {operands(shape_of(x))}: a step must be above 0; use flip")
        return slice(*ends)
    if k is None or k is Ellipsis or (isinstance(k, int | np.integer) and not isinstance(k, bool)):
        return k
    if isinstance(k, Tensor | np.ndarray) and not k.ndim and k.dtype.kind == "i":
        return int(k)
    if isinstance(k, list | tuple | np.ndarray | Tensor | bool | range):
        places = k.array if isinstance(k, Tensor) else np.asarray(k)
        places = places.astype(np.int64) if not places.size and places.dtype.kind == "f" else places
        if places.dtype.kind in "bi" or (places.dtype.kind == "u" and not isinstance(k, Tensor)):
            return places
        fail(
            f"index {_written(key)} of {operands(shape_of(x))}: places are int64 or truth values, not {places.dtype}",
            ArrayIndexError,
        )
    return fail(f"index {_written(key)} of {operands(shape_of(x))}: {type(k).__name__} is no place", ArrayIndexError)


def _written(key: Key) -> str:
    def one(k: Key) -> str:
        if isinstance(k, slice):
            return ":".join("" if end is None else str(end) for end in (k.start, k.stop, k.step)[: 3 if k.step else 2])
        if isinstance(k, Tensor | np.ndarray):
            return f"<{k.dtype} {shape_of(k)}>"
        return "..." if k is Ellipsis else str(k)[:40]

    return f"[{', '.join(map(one, key if isinstance(key, tuple) else (key,)))}]"


@method
def gather(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """Return of every row along `dim` the numbers at the places in `index`, whose shape the result has."""
    return x.reshape(1).gather(0, index.reshape(1)).reshape(()) if not x.ndim else x[_grid(x, dim, index)]


@method
def scatter_add(x: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """Return x with each number of `src` added at its place in `index`: the backward pass of gather."""
    places = _grid(x, dim, index)
    return x + _back(src[tuple(slice(size) for size in index.shape)], places, x.shape)


def _grid(x: Tensor, dim: int, index: Tensor) -> tuple[np.ndarray, ...]:
    dim, places = normalize_dim(x, dim), index.array
    if places.dtype.kind != "i":
        fail(f"places are int64, not {places.dtype}")
    smaller = all(a <= b for d, (a, b) in enumerate(zip(index.shape, x.shape, strict=False)) if d != dim)
    if places.ndim != x.ndim or not smaller:
        fail(f"places {shape_of(index)} do not fit: {operands(shape_of(x))}; no larger except in dimension {dim}")
    if places.size and not (places.min() >= 0 and places.max() < x.shape[dim]):
        wrong = places.min() if places.min() < 0 else places.max()
        fail(
            f"place {wrong} in dimension {dim} of {operands(shape_of(x))}: expected 0 to {x.shape[dim] - 1}",
            ArrayIndexError,
        )
    grid = list(np.ogrid[tuple(slice(size) for size in places.shape)])
    grid[dim] = places
    return tuple(grid)


@method
def index_select(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """Return rows of dimension `dim`, in the order of `index`."""
    return x[(slice(None),) * normalize_dim(x, dim) + (index,)]


# ---- joining and cutting ----


@functools.partial(check_arguments, variadic=False)
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Concatenate arrays along a dimension that is there; all other sizes are equal."""
    xs = [as_tensor(x) for x in tensors]
    if not xs:
        fail("cat of nothing: expected at least one array")
    full = [x for x in xs if x.shape != (0,)] or xs[:1]  # PyTorch lets an empty list of numbers pass anywhere
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
    """Join arrays of one shape along a new dimension."""
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
    """Cut along a dimension into pieces of a size, the last one perhaps smaller, or into pieces of these sizes."""
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
    """Cut along a dimension into pieces of a size, the last one perhaps smaller, or into pieces of these sizes."""
    return _split(tensor, split_size_or_sections, dim)


@method
def chunk(x: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Cut along a dimension into that many pieces of one size, the last one perhaps smaller."""
    if chunks < 1:
        fail(f"chunk of {operands(shape_of(x))} into {chunks} pieces; expected at least 1")
    if not x.ndim:
        fail("chunk of a single number; expected at least one dimension")
    total = x.size(dim)
    return _split(x, -(-total // chunks), dim) if total else _split(x, [0] * chunks, dim)


@method
def unbind(x: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Return the rows along a dimension, each without it."""
    if not x.ndim:
        fail("unbind of a single number; expected at least one dimension")
    return tuple(x[(slice(None),) * normalize_dim(x, dim) + (i,)] for i in range(x.size(dim)))


def _matrix(name: str, x: Tensor) -> None:
    if x.ndim < 2:
        fail(f"{name} is for matrices, and {operands(shape_of(x))} has fewer than two dimensions")


@method
def tril(x: Tensor, diagonal: int = 0) -> Tensor:
    """Return the lower triangle: what is on and below a diagonal; 0 above."""
    _matrix("tril", x)
    return where(Tensor(np.tril(np.ones(x.shape[-2:], bool), diagonal)), x, as_tensor(0).to(x.dtype))


@method
def triu(x: Tensor, diagonal: int = 0) -> Tensor:
    """Return the upper triangle: what is on and above a diagonal; 0 below."""
    _matrix("triu", x)
    return where(Tensor(np.triu(np.ones(x.shape[-2:], bool), diagonal)), x, as_tensor(0).to(x.dtype))


concat = concatenate = cat
