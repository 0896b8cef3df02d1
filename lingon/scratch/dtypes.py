"""Dtypes, and type promotion by PyTorch's rules, on NumPy's dtypes."""

from collections.abc import Iterable

import numpy as np

bool = np.dtype("bool")
uint8, int8, int16, int32, int64 = map(np.dtype, ("uint8", "int8", "int16", "int32", "int64"))
float16, float32, float64 = map(np.dtype, ("float16", "float32", "float64"))
long, int, half, float, double = int64, int32, float16, float32, float64

KNOWN = (bool, uint8, int8, int16, int32, int64, float16, float32, float64)
DEFAULT = float32


def rank(dtype: np.dtype) -> str:
    """Return the rank of a dtype's category as a letter: b(ool) < i(nteger) < z, floating point."""
    return {"b": "b", "u": "i", "i": "i", "f": "z"}[dtype.kind]


def promote(a: np.dtype, b: np.dtype) -> np.dtype:
    """Return the common dtype of two arrays.

    >>> promote(int64, float16), promote(uint8, int8)
    (dtype('float16'), dtype('int16'))
    """
    if rank(a) != rank(b):
        return max(a, b, key=rank)
    return np.promote_types(a, b)


def result_type(kinds: Iterable[tuple[np.dtype, str]]) -> np.dtype:
    """Return the dtype of a result from dtypes with their priority: "array", "scalar" (0-d) or "number" (of Python).

    One of lower priority changes the result only if its category ranks higher: ones(3, dtype=float16) * tensor(2.0) is
    float16.
    """
    found: dict[str, np.dtype] = {}
    for dtype, weight in kinds:
        found[weight] = promote(found[weight], dtype) if weight in found else dtype
    result: np.dtype | None = None
    for weight in ("number", "scalar", "array"):
        heavier = found.get(weight)
        if heavier is not None:
            result = heavier if result is None or rank(heavier) >= rank(result) else promote(heavier, result)
    assert result is not None, "a result has operands"
    return result
