"""Operands, arrays or numbers, as arrays, and their common dtype."""

from collections.abc import Sequence

import numpy as np

from lingon.scratch import dtypes
from lingon.scratch.arguments import Number, argument_type, as_number
from lingon.scratch.error_context import ArrayTypeError, fail
from lingon.scratch.tensor import Tensor

Operand = Tensor | Number
argument_type(
    Operand,
    "an array or a number",
    lambda value: value if isinstance(value, Tensor) else as_number(value),
    *(Tensor, float, int, bool),
)


def as_tensor(x: Tensor | np.ndarray | float | Sequence) -> Tensor:
    """Return an operand as an array. A Python number adapts to the dtype of the other operand."""
    if isinstance(x, Tensor):
        return x.fresh()
    if isinstance(x, bool | int | float):
        return Tensor(np.asarray(x), number=True)
    if isinstance(x, np.generic):
        return Tensor(np.asarray(x.item()), number=True)
    if isinstance(x, np.ndarray):
        return Tensor(known_array(x))
    return fail(f"expected an array or a number, got {type(x).__name__}", ArrayTypeError)


def known_array(array: np.ndarray) -> np.ndarray:
    """Return a NumPy array in the byte order of this machine. Raises ArrayTypeError for an unsupported dtype."""
    if array.dtype.newbyteorder("=") not in dtypes.KNOWN:
        names = ", ".join(map(str, dtypes.KNOWN))
        fail(f"no arrays of {array.dtype}; known kinds: {names}", ArrayTypeError)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def result_dtype(*xs: Tensor) -> np.dtype:
    """Return the common dtype of operands; a Python number counts as the default float, int64 or bool."""
    return dtypes.result_type(
        (
            dtypes.DEFAULT if x.number and x.array.dtype.kind == "f" else x.array.dtype,
            "number" if x.number else "array" if x.array.ndim else "scalar",
        )
        for x in xs
    )
