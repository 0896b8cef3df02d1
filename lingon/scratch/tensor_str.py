"""An array as text, as PyTorch prints it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from lingon.scratch import dtypes

if TYPE_CHECKING:
    from lingon.scratch.tensor import Tensor


def tensor_str(x: Tensor) -> str:
    """Return an array as PyTorch prints it: its elements, and its dtype and grad_fn unless they are the default."""
    kind = {"f": "float_kind", "b": "bool"}.get(x.dtype.kind)
    write: Any = {kind: number_format(x.array)} if kind else None
    numbers = np.array2string(x.array, separator=", ", prefix="tensor(", threshold=1000, formatter=write)
    usual = x.dtype in (dtypes.float32, dtypes.int64, dtypes.bool)
    dtype = "" if usual and x.array.size else f", dtype={x.dtype}"
    history = f", grad_fn={x.grad_fn}" if x.grad_fn else ", requires_grad=True" if x.requires_grad else ""
    return f"tensor({numbers}{dtype}{history})"


def number_format(array: np.ndarray) -> Callable[[float], str]:
    """Return PyTorch's format of floats: all with the same number of decimals, none if all are integers."""
    if array.dtype.kind == "b":
        return lambda truth: str(truth).rjust(4 if array.all() else 5)
    finite = array[np.isfinite(array)].astype(float)
    sizes = np.abs(finite[finite != 0])
    whole = bool((finite == np.round(finite)).all())
    wide = sizes.size and (sizes.max() > 1e8 or sizes.min() < 1e-4 or sizes.max() / sizes.min() > 1000)
    form = "{:.4e}" if wide else "{:.0f}." if whole else "{:.4f}"
    one = lambda number: form.format(number) if np.isfinite(number) else str(number)
    width = max((len(one(number)) for number in array.ravel()[:1000]), default=0) if array.ndim else 0
    return lambda number: one(number).rjust(width)
