"""Norms of vectors and arrays."""

import numpy as np

from lingon.scratch.arguments import DType, argument_type, as_ints, as_number
from lingon.scratch.choice import where
from lingon.scratch.dimensions import shape_of
from lingon.scratch.error_context import ArrayTypeError, fail, operands
from lingon.scratch.extremes import amax, amin
from lingon.scratch.record import method
from lingon.scratch.reductions import _as, _dims, _floating, _root, sum
from lingon.scratch.tensor import Tensor

NormOrder = float | str | None


NormDims = int | tuple[int, ...] | None  # without arrays of one number, which PyTorch's norm refuses


argument_type(NormDims, "a dimension, several or None", as_ints, int, type(None))


argument_type(NormOrder, "a number or 'fro'", as_number, float, int, bool, str, type(None))


@method
def norm(x: Tensor, p: NormOrder = "fro", dim: NormDims = None, keepdim: bool = False, dtype: DType = None) -> Tensor:
    """Return the p-norm over all elements or along dimensions, sum(abs(x) ** p) ** (1 / p); by default p is 2.

    p: any number; inf and -inf give the largest and smallest absolute value, 0 the number of nonzero elements. Where
    the norm is 0, its gradient is 0.
    """
    _floating(x, "norm")
    x = _as("norm", x, dtype)
    if x.dtype.kind != "f":
        fail(f"norm(): the argument 'dtype' is a floating one, not {dtype}")
    if isinstance(p, float) and np.isnan(p):
        fail("norm(): the argument 'p' is a number or 'fro', not nan", ArrayTypeError)
    dim = None if dim == () else dim
    if isinstance(p, str) and p != "fro":
        fail(f"norm(): the argument 'p' is a number or 'fro', not {p!r}", ArrayTypeError)
    if isinstance(p, float | int) and (p < 0 or p == np.inf) and 0 in [x.shape[d] for d in _dims(x, dim)]:
        fail(f"norm of no numbers with p={p}: {operands(shape_of(x))}")
    if p in (None, "fro", 2):
        return _root(sum(x.square(), dim, keepdim))
    if p in (np.inf, -np.inf):
        return (amax if p > 0 else amin)(x.abs(), dim, keepdim)
    if p in (0, 1):
        return sum(x.abs() if p else where(x != 0, 1.0, x * 0), dim, keepdim)
    assert isinstance(p, float | int)
    total = sum(_power_of_size(x, p), dim, keepdim)
    return where(total == 0, 0.0, where(total == 0, 1.0, total) ** (1 / p))


def _power_of_size(x: Tensor, p: float) -> Tensor:
    zero = x == 0
    return where(zero, 0.0 if p > 0 else np.inf, where(zero, 1.0, x.abs()) ** p)
