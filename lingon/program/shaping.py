"""Operators that rearrange elements: reshape, transpose, broadcast, slices, windows, concatenation."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lingon.program.operator_types import (
    RANK,
    Mismatch,
    Operator,
    Type,
    axis_of,
    broadcast_shapes,
    is_int64,
    is_int64_tuple,
)

Index = tuple[tuple, ...]  # entries ("at", i), ("slice", start, stop, step), ("new",) or ("rest",)


def numpy_index(index: Index) -> tuple:
    """Return the NumPy index for an `Index`."""
    made: dict[str, Callable[..., Any]] = {
        "at": lambda i: i,
        "slice": slice,
        "new": lambda: None,
        "rest": lambda: Ellipsis,
    }
    return tuple(made[entry[0]](*entry[1:]) for entry in index)


def is_index(value: Any) -> bool:
    """Return whether a value from a file is a valid `Index`."""
    return isinstance(value, tuple) and len(value) <= 2 * RANK and all(map(_is_entry, value))


def _is_entry(entry: Any) -> bool:
    if not (isinstance(entry, tuple) and entry):
        return False
    if entry[0] == "slice":
        return len(entry) == 4 and all(n is None or is_int64(n) for n in entry[1:]) and entry[3] != 0
    return entry in (("new",), ("rest",)) or (entry[0] == "at" and len(entry) == 2 and is_int64(entry[1]))


def sliced_shape(shape: tuple[int, ...], index: Index) -> tuple[int, ...]:
    """Return the shape after indexing. Raises Mismatch if the index does not fit."""
    kinds = [entry[0] for entry in index]
    taken = len(index) - kinds.count("new") - kinds.count("rest")
    if kinds.count("rest") > 1:
        raise Mismatch("an index can hold only one '...'")
    if taken > len(shape):
        raise Mismatch(f"{taken} indices for {len(shape)} axes")
    result, place = [], 0
    for entry in index:
        if entry[0] == "new":
            result.append(1)
        elif entry[0] == "rest":
            result += shape[place : place + len(shape) - taken]
            place += len(shape) - taken
        elif entry[0] == "at":
            if not -shape[place] <= entry[1] < shape[place]:
                raise Mismatch(f"index {entry[1]} is outside axis {place}, which has {shape[place]}")
            place += 1
        else:
            result.append(len(range(*slice(*entry[1:]).indices(shape[place]))))
            place += 1
    return _ranked((*result, *shape[place:]))


def _ranked(shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) > RANK:
        raise Mismatch(f"the result would have {len(shape)} axes; at most {RANK} are possible")
    return shape


def _reshape(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    x, shape = types[0], attributes["shape"]
    said = f"{x.size:,} numbers cannot be given the shape {list(shape)}"
    if any(n < -1 for n in shape) or shape.count(-1) > 1:
        raise Mismatch(f"{said}: at most one size may be -1, for what is left, and none below")
    known = math.prod(n for n in shape if n != -1)
    if -1 in shape:
        if known == 0 or x.size % known:
            raise Mismatch(said)
        shape = tuple(x.size // known if n == -1 else n for n in shape)
    if math.prod(shape) != x.size:
        raise Mismatch(said)
    return Type(shape, x.dtype)


def _transpose(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    x, axes = types[0], attributes["axes"]
    if axes is None:
        return Type(x.shape[::-1], x.dtype)
    if sorted(axis_of(a, len(x.shape)) for a in axes) != list(range(len(x.shape))):
        raise Mismatch(f"axes {list(axes)} must name each of the {len(x.shape)} axes once")
    return Type(tuple(x.shape[a] for a in axes), x.dtype)


def _swap(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    shape = list(types[0].shape)
    a, b = (axis_of(attributes[name], len(shape)) for name in ("a", "b"))
    shape[a], shape[b] = shape[b], shape[a]
    return Type(tuple(shape), types[0].dtype)


def _expand(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    shape = types[0].shape
    axis = axis_of(attributes["axis"], len(shape) + 1)
    return Type(_ranked((*shape[:axis], 1, *shape[axis:])), types[0].dtype)


def _broadcast_to(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    x, shape = types[0], attributes["shape"]
    if any(n < 0 for n in shape) or broadcast_shapes([x.shape, shape]) != shape:
        raise Mismatch(f"{list(x.shape)} cannot be broadcast to {list(shape)}")
    return Type(shape, x.dtype)


def _slice(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    return Type(sliced_shape(types[0].shape, attributes["index"]), types[0].dtype)


def _place(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    found = sliced_shape(attributes["shape"], attributes["index"])
    if min(attributes["shape"], default=0) < 0 or found != types[0].shape:
        raise Mismatch(f"what is placed must be {list(found)}")
    return Type(attributes["shape"], types[0].dtype)


def _run_place(operands: Sequence[np.ndarray], attributes: Mapping[str, Any], out: np.ndarray) -> None:
    out[...] = 0
    out[numpy_index(attributes["index"])] = operands[0]


def _concatenate(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    shape = types[0].shape
    if not shape:
        raise Mismatch("single numbers cannot be concatenated; `stack` gives them an axis")
    axis = axis_of(attributes["axis"], len(shape))
    others = [(*t.shape[:axis], *t.shape[axis + 1 :]) for t in types]
    if any(len(t.shape) != len(shape) for t in types) or len(set(others)) > 1:
        raise Mismatch(f"all shapes must be equal but for axis {axis}")
    total = sum(t.shape[axis] for t in types)
    return Type((*shape[:axis], total, *shape[axis + 1 :]), np.result_type(*(t.dtype for t in types)))


def _run_concatenate(operands: Sequence[np.ndarray], attributes: Mapping[str, Any], out: np.ndarray) -> None:
    np.concatenate(operands, attributes["axis"], out=out)


def _windows(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    shape, size, step = types[0].shape, attributes["size"], attributes["step"]
    if not shape or size < 1 or step < 1 or shape[-1] < size:
        raise Mismatch(f"there is no window of {size} numbers, {step} apart, on the last axis of {list(shape)}")
    return Type(_ranked((*shape[:-1], (shape[-1] - size) // step + 1, size)), types[0].dtype)


def _view_windows(operands: Sequence[np.ndarray], attributes: Mapping[str, Any], out: Any) -> np.ndarray:
    views = np.lib.stride_tricks.sliding_window_view(operands[0], attributes["size"], axis=-1)
    return views[..., :: attributes["step"], :]


def _add_windows(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    shape, length, step = types[0].shape, attributes["length"], attributes["step"]
    fits = len(shape) >= 2 and step >= 1 and shape[-1] >= 1 and (length - shape[-1]) // step + 1 == shape[-2]
    if not fits:
        raise Mismatch(f"windows {list(shape[-2:])} are not those of {length} numbers, {step} apart")
    return Type((*shape[:-2], length), types[0].dtype)


def _run_add_windows(operands: Sequence[np.ndarray], attributes: Mapping[str, Any], out: np.ndarray) -> None:
    x, step = operands[0], attributes["step"]
    out[...] = 0
    for k in range(x.shape[-1]):
        out[..., k : k + step * (x.shape[-2] - 1) + 1 : step] += x[..., k]


def _view(name: str, infer: Any, run: Any, attributes: Mapping) -> Operator:
    return Operator(name, 1, infer, lambda operands, a, out: run(operands[0], a), attributes, view=True)


WINDOWS = {"size": is_int64, "step": is_int64}
SHAPING = {
    "reshape": _view("reshape", _reshape, lambda x, a: x.reshape(a["shape"]), {"shape": is_int64_tuple}),
    "transpose": _view(
        "transpose", _transpose, lambda x, a: x.transpose(a["axes"]), {"axes": lambda v: v is None or is_int64_tuple(v)}
    ),
    "swapaxes": _view("swapaxes", _swap, lambda x, a: x.swapaxes(a["a"], a["b"]), {"a": is_int64, "b": is_int64}),
    "expand_dims": _view("expand_dims", _expand, lambda x, a: np.expand_dims(x, a["axis"]), {"axis": is_int64}),
    "broadcast_to": _view(
        "broadcast_to", _broadcast_to, lambda x, a: np.broadcast_to(x, a["shape"]), {"shape": is_int64_tuple}
    ),
    "slice": _view("slice", _slice, lambda x, a: np.asarray(x[numpy_index(a["index"])]), {"index": is_index}),
    "place": Operator("place", 1, _place, _run_place, {"shape": is_int64_tuple, "index": is_index}),
    "concatenate": Operator("concatenate", None, _concatenate, _run_concatenate, {"axis": is_int64}),
    "windows": Operator("windows", 1, _windows, _view_windows, WINDOWS, view=True),
    "add_windows": Operator("add_windows", 1, _add_windows, _run_add_windows, {"length": is_int64, "step": is_int64}),
}
