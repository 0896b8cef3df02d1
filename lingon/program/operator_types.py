"""The types that describe operators: the type of a value, and a record with the rules of an operator."""

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
RANK = 32  # maximum axes, that of NumPy 1.26


class Mismatch(Exception):
    """Operands do not fit. The caller that knows the expression turns it into a UserError."""


@dataclass(frozen=True)
class Type:
    """Shape and dtype of a value. weak: a Python number, which adapts to the other operand's dtype, as in NumPy."""

    shape: tuple[int, ...]
    dtype: np.dtype
    weak: bool = False

    @property
    def size(self) -> int:
        """Return the number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Return the size in bytes."""
        return self.size * self.dtype.itemsize

    @property
    def real(self) -> bool:
        """Return whether the elements are floating-point numbers, which have derivatives."""
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

    arity: number of operands; None means one or more. infer: (types, attributes) -> the type of the result, or raises
    Mismatch. run: (operands, attributes, out) writes the result into `out`; for a view, `out` is None and the view is
    returned. attributes: validation functions by name, for values from a file. kernel: the function of an element-wise
    operator, f(*operands, out). overlap: `out` may be one of the operands. symbol: of an infix operator.
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
    """Return whether a value is an integer of at most 64 bits, and not a bool."""
    return type(value) is int and -(2**63) <= value < 2**63


def is_int64_tuple(value: Any) -> bool:
    """Return whether a value is a tuple of at most RANK integers."""
    return isinstance(value, tuple) and len(value) <= RANK and all(map(is_int64, value))


def is_bool(value: Any) -> bool:
    """Return whether a value is True or False."""
    return type(value) is bool


def is_axes(value: Any) -> bool:
    """Return whether a value specifies axes: None, one, or several."""
    return value is None or is_int64(value) or is_int64_tuple(value)


def axis_of(axis: int, rank: int) -> int:
    """Return an axis counted from the front. Raises Mismatch when there is no such axis."""
    if not -rank <= axis < rank:
        raise Mismatch(f"there is no axis {axis} in an array of {rank}")
    return axis % rank


def axes_of(axis: int | tuple[int, ...] | None, rank: int) -> tuple[int, ...]:
    """Return axes counted from the front, in ascending order; None means all axes."""
    if axis is None:
        return tuple(range(rank))
    found = [axis_of(a, rank) for a in (axis if isinstance(axis, tuple) else (axis,))]
    if len(set(found)) < len(found):
        raise Mismatch(f"axis {axis} names one axis twice")
    return tuple(sorted(found))


def broadcast_shapes(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the broadcast shape of arrays. Raises Mismatch with the two sizes that differ."""
    rank = max(map(len, shapes), default=0)
    result = []
    for place in range(-rank, 0):
        sizes = {shape[place] for shape in shapes if -place <= len(shape)} - {1}
        if len(sizes) > 1:
            said = " and ".join(str(n) for n in sorted(sizes))
            raise Mismatch(f"shapes cannot be broadcast together: axis {place} has {said}, which must be equal or 1")
        result.append(sizes.pop() if sizes else 1)
    return tuple(result)
