"""Comparison of arrays for equality, exactly or within a tolerance."""

import numpy as np

from lingon.scratch.broadcasting import broadcast_operands
from lingon.scratch.dimensions import shape_of
from lingon.scratch.error_context import fail, operands
from lingon.scratch.record import method
from lingon.scratch.tensor import Tensor


def _same_numbers(x: Tensor, y: Tensor) -> None:
    if x.dtype != y.dtype:
        fail(f"the dtypes differ: {operands(f'{shape_of(x)} {x.dtype}', f'{shape_of(y)} {y.dtype}')}")
    broadcast_operands(x, y)


@method
def isclose(x: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Return True where |x - other| <= atol + rtol |other|."""
    _same_numbers(x, other)
    for name, size in (("rtol", rtol), ("atol", atol)):
        if not size >= 0:
            fail(f"isclose(): the argument {name!r} is 0 or more, not {size}")
    return Tensor(np.isclose(x.array, other.array, rtol, atol, equal_nan))


@method
def allclose(x: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Return whether all |x - other| <= atol + rtol |other|."""
    return bool(isclose(x, other, rtol, atol, equal_nan).array.all())


@method
def equal(x: Tensor, other: Tensor) -> bool:
    """Return whether two arrays have the same shape and the same elements."""
    return x.shape == other.shape and bool((x.array == other.array).all())
