"""Indexing: basic indices give views; integer and bool arrays give copies."""

from typing import Any

import numpy as np

from lingon.scratch.dimensions import normalize_dim, shape_of
from lingon.scratch.error_context import ArrayIndexError, fail, operands
from lingon.scratch.operands import as_tensor
from lingon.scratch.record import method, record
from lingon.scratch.tensor import Tensor

Key = int | slice | None | Tensor | np.ndarray | list | tuple


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
    """Return the gradient of indexing: zeros of that shape, to which each gradient is added at its index."""
    value = np.zeros(shape, g.dtype)
    if any(isinstance(place, np.ndarray) for place in places):
        np.add.at(value, places, g.array)  # an index that was read twice gets both gradients
    else:
        value[places] = g.array
    return record("index_back", value, (g,), (lambda h: h[places],))


def put_at(x: Tensor, key: Any, value: Tensor) -> Tensor:
    """Return x with the value at an index: the result of x[key] = value."""
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
    """Return a NumPy index for the key, checked as in PyTorch, and a second one to apply to the result of the first.

    Integers next to index arrays are applied first, as in PyTorch; NumPy would treat them as index arrays too.
    """
    keys = key if isinstance(key, tuple) else (key,)
    places: tuple[Any, ...] = tuple(_place(x, k, key) for k in keys)
    if not any(place is Ellipsis for place in places):
        places = (*places, ...)  # without it NumPy returns a single element as a copy, not as a view
    if not (any(_is_number(p) for p in places) and any(isinstance(p, np.ndarray) for p in places)):
        return places, None
    first = [whole for place in places for whole in _whole(place)]
    return tuple(first), tuple(place for place in places if not _is_number(place))


def _is_number(place: int | slice | np.ndarray | None) -> bool:
    return isinstance(place, int | np.integer)


def _whole(place: int | slice | np.ndarray | None) -> list:
    """Return the part of the first index for one entry: an integer itself, full slices for slices and arrays."""
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
    """Return the elements of x at the indices along `dim` in `index`, in the shape of `index`."""
    return x.reshape(1).gather(0, index.reshape(1)).reshape(()) if not x.ndim else x[_grid(x, dim, index)]


@method
def scatter_add(x: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """Return x with each element of `src` added at its index along `dim`: the gradient of gather."""
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
    """Return the slices of x along `dim` at the indices in `index`, in that order."""
    return x[(slice(None),) * normalize_dim(x, dim) + (index,)]
