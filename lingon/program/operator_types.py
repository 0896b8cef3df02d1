"""What every operator is described by: the type of a value, and one record with its rules."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

DTYPES = tuple(
    np.dtype(n)
    for n in [
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
    ]
)
RANK = 32  # axes; NumPy 1.26 allows no more


class Mismatch(Exception):
    """Operands do not fit: what is wrong, in words. Whoever knows the expression makes it an error of the user's."""


@dataclass(frozen=True)
class Type:
    """Shape and dtype of a value. weak: a plain Python number, which takes the dtype of what it meets, as in NumPy."""

    shape: tuple[int, ...]
    dtype: np.dtype
    weak: bool = False

    @property
    def size(self) -> int:
        """Return the number of its elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Return its bytes in memory."""
        return self.size * self.dtype.itemsize

    @property
    def real(self) -> bool:
        """Return whether it holds floating-point numbers, so that there are derivatives."""
        return self.dtype.kind == "f"

    def __str__(self) -> str:
        return f"{self.dtype}{list(self.shape)}"


def type_of(value: Any) -> Type:
    """Return the type of an array or of a Python number."""
    if type(value) in (bool, int, float):
        return Type((), np.result_type(value) if type(value) is not int else np.dtype(np.int64), weak=True)
    return Type(value.shape, value.dtype)


@dataclass(frozen=True)
class Operator:
    """The rules of one operator.

    arity: how many operands; None means one or more. infer: (types, attributes) -> the type of the result, or Mismatch.
    run: (operands, attributes, out) writes the result into `out`; a view is given None and returns it.
    attributes: their checks by name, for values that come from a file. ufunc: what computes an element-wise operator
    as f(*operands, out). overlap: whether `out` may be one of the operands. symbol: how it is written between them.
    """

    name: str
    arity: int | None
    infer: Callable[[Sequence[Type], Mapping[str, Any]], Type]
    run: Callable[[Sequence[np.ndarray], Mapping[str, Any], Any], Any]
    attributes: Mapping[str, Callable[[Any], bool]] = field(default_factory=dict)
    elementwise: bool = False
    kernel: Callable[..., Any] | None = None
    view: bool = False
    overlap: bool = False
    symbol: str = ""


def is_int64(value: Any) -> bool:
    """Return whether a value is a whole number that fits into 64 bits, and no truth value."""
    return type(value) is int and -(2**63) <= value < 2**63


def is_int64_tuple(value: Any) -> bool:
    """Return whether a value is a short tuple of whole numbers."""
    return isinstance(value, tuple) and len(value) <= RANK and all(map(is_int64, value))


def is_bool(value: Any) -> bool:
    """Return whether a value is True or False."""
    return type(value) is bool


def is_axes(value: Any) -> bool:
    """Return whether a value says which axes to reduce: None, one, or several."""
    return value is None or is_int64(value) or is_int64_tuple(value)


def axis_of(axis: int, rank: int) -> int:
    """Return an axis counted from the front. Raises Mismatch when there is no such axis."""
    if not -rank <= axis < rank:
        raise Mismatch(f"there is no axis {axis} in an array of {rank}")
    return axis % rank


def axes_of(axis: int | tuple[int, ...] | None, rank: int) -> tuple[int, ...]:
    """Return all axes that are meant, counted from the front, in order; None means every one."""
    if axis is None:
        return tuple(range(rank))
    found = [axis_of(a, rank) for a in (axis if isinstance(axis, tuple) else (axis,))]
    if len(set(found)) < len(found):
        raise Mismatch(f"axis {axis} names one axis twice")
    return tuple(sorted(found))


def broadcast_shapes(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the shape of arrays broadcast together. Raises Mismatch with the two numbers that differ."""
    rank = max(map(len, shapes), default=0)
    result = []
    for place in range(-rank, 0):
        sizes = {shape[place] for shape in shapes if -place <= len(shape)} - {1}
        if len(sizes) > 1:
            said = " and ".join(str(n) for n in sorted(sizes))
            raise Mismatch(f"shapes cannot be broadcast together: axis {place} has {said}, which must be equal or 1")
        result.append(sizes.pop() if sizes else 1)
    return tuple(result)
