"""Gather and scatter: reading elements by index, such as rows of an embedding, and adding at indices."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lingon.program.operator_types import Mismatch, Operator, Type, axis_of, is_int64


def _ids(t: Type) -> None:
    if t.dtype.kind not in "iu":
        raise Mismatch(f"places must be whole numbers and are {t.dtype}")


def _take(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    x, ids = types
    _ids(ids)
    axis = axis_of(attributes["axis"], len(x.shape))
    return Type((*x.shape[:axis], *ids.shape, *x.shape[axis + 1 :]), x.dtype)


def check_ids(ids: np.ndarray, size: int) -> None:
    """Raise Mismatch for an index outside -size ... size - 1."""
    if ids.size and (ids.min() < -size or ids.max() >= size):
        worst = ids.max() if ids.max() >= size else ids.min()
        raise Mismatch(f"place {worst} is outside an axis of {size}")


def _run_take(operands: Sequence[np.ndarray], attributes: Mapping[str, Any], out: np.ndarray) -> None:
    x, ids = operands
    check_ids(ids, x.shape[attributes["axis"]])
    if out.size:
        np.take(x, ids, attributes["axis"], out=out, mode="wrap")  # with "raise", NumPy would buffer `out`


def _take_add(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    rows, ids = types
    _ids(ids)
    size, axis, rank = attributes["size"], attributes["axis"], len(rows.shape) - len(ids.shape) + 1
    if size < 0 or rank < 1 or not 0 <= axis < rank or rows.shape[axis : axis + len(ids.shape)] != ids.shape:
        raise Mismatch(f"there must be one row for each of the {list(ids.shape)} places")
    return Type((*rows.shape[:axis], size, *rows.shape[axis + len(ids.shape) :]), rows.dtype)


def _run_take_add(operands: Sequence[np.ndarray], attributes: Mapping[str, Any], out: np.ndarray) -> None:
    rows, ids = operands
    axis = attributes["axis"]
    check_ids(ids, out.shape[axis])
    out[...] = 0
    if not ids.size or not out.size:
        return
    flat = ids.reshape(-1) % out.shape[axis]
    rows = np.moveaxis(rows.reshape(*rows.shape[:axis], ids.size, *rows.shape[axis + ids.ndim :]), axis, 0)
    order = np.argsort(flat, kind="stable")  # rows with the same index become adjacent and are summed as a run
    flat = flat[order]
    starts = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]])
    np.moveaxis(out, axis, 0)[flat[starts]] = np.add.reduceat(rows[order], starts, axis=0)


def _take_along(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    x, ids = types
    _ids(ids)
    axis = axis_of(attributes["axis"], len(x.shape))
    around = [(*t.shape[:axis], *t.shape[axis + 1 :]) for t in types]
    if len(x.shape) != len(ids.shape) or around[0] != around[1]:
        raise Mismatch(f"places must have the shape of what they point into but for axis {axis}")
    return Type(ids.shape, x.dtype)


def _run_take_along(operands: Sequence[np.ndarray], attributes: Mapping[str, Any], out: np.ndarray) -> None:
    x, ids = operands
    check_ids(ids, x.shape[attributes["axis"]])
    out[...] = np.take_along_axis(x, ids, attributes["axis"])


def _along_add(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    rows, ids = types
    _ids(ids)
    size, axis = attributes["size"], attributes["axis"]
    if rows.shape != ids.shape or size < 0 or not 0 <= axis < len(rows.shape):
        raise Mismatch("there must be one number for each place")
    return Type((*rows.shape[:axis], size, *rows.shape[axis + 1 :]), rows.dtype)


def _run_along_add(operands: Sequence[np.ndarray], attributes: Mapping[str, Any], out: np.ndarray) -> None:
    rows, ids = operands
    axis = attributes["axis"]
    check_ids(ids, out.shape[axis])
    out[...] = 0
    if ids.size:
        places = list(np.ogrid[tuple(slice(n) for n in ids.shape)])
        places[axis] = ids % out.shape[axis]
        np.add.at(out, tuple(places), rows)


LOOKUP = {
    "take": Operator("take", 2, _take, _run_take, {"axis": is_int64}),
    "take_add": Operator("take_add", 2, _take_add, _run_take_add, {"axis": is_int64, "size": is_int64}),
    "take_along_axis": Operator("take_along_axis", 2, _take_along, _run_take_along, {"axis": is_int64}),
    "along_axis_add": Operator("along_axis_add", 2, _along_add, _run_along_add, {"axis": is_int64, "size": is_int64}),
}
