"""Conversion of arrays, dtypes, shapes and indices given by the user to the plain values stored in operators."""

import operator as python
from typing import Any

import numpy as np

from lingon.core.errors import UserError
from lingon.program.operator_types import DTYPES, RANK


def native_array(value: Any, what: str) -> np.ndarray:
    """Return a value as a NumPy array of a supported dtype. Raises UserError with the reason if that is impossible."""
    if isinstance(value, np.ma.MaskedArray):
        raise UserError(
            f"{what} is a masked array, whose mask would be lost; give the array and the mask by themselves"
        )
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        raise UserError(f"{what} cannot be made an array: {str(error)[:200]}") from None
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype not in DTYPES:
        known = ", ".join(dtype.name for dtype in DTYPES)
        raise UserError(f"{what} is of {array.dtype}, as which programs know no numbers; known: {known}")
    if array.ndim > RANK:
        raise UserError(f"{what} has {array.ndim} axes; at most {RANK} are possible")
    return array


def dtype_of(name: Any) -> np.dtype:
    """Return the dtype of a name such as "float32". Raises UserError for an unsupported one."""
    try:
        found = np.dtype(name)
    except TypeError:
        found = None
    if found is None or found not in DTYPES:  # None alone would count as float64
        raise UserError(f"unknown dtype {str(name)[:80]!r}; known: {', '.join(d.name for d in DTYPES)}")
    return found


def shape_tuple(shape: Any) -> tuple[int, ...]:
    """Return a shape as a tuple of Python integers. Raises UserError for anything else."""
    try:
        return tuple(python.index(n) for n in (shape if np.iterable(shape) else (shape,)))
    except TypeError:
        raise UserError(f"a shape is made of whole numbers, and this is {str(shape)[:80]!r}") from None


def index_entry(entry: Any) -> tuple:
    """Return one entry of an index (an integer, a slice, None or '...') in our representation."""
    if isinstance(entry, slice):
        parts = [None if n is None else python.index(n) for n in (entry.start, entry.stop, entry.step)]
        if parts[2] == 0:
            raise UserError("the step of a slice cannot be 0")
        return ("slice", *parts)
    if entry is None:
        return ("new",)
    return ("rest",) if entry is Ellipsis else ("at", python.index(entry))
