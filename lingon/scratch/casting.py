"""Cast an array to another dtype."""

import numpy as np

from lingon.scratch import dtypes
from lingon.scratch.arguments import argument_type
from lingon.scratch.arguments import as_dtype as dtype_of
from lingon.scratch.error_context import ArrayTypeError, fail
from lingon.scratch.record import method, record
from lingon.scratch.tensor import Tensor

DTypeLike = np.dtype | str | Tensor | None
argument_type(
    DTypeLike, f"one of {', '.join(map(str, dtypes.KNOWN))}, 'cpu' or an array", dtype_of, str, Tensor, type(None)
)


@method
def to(x: Tensor, dtype: DTypeLike = None, *, copy: bool = False, device: str | None = None) -> Tensor:
    """Return x in another dtype; the only device is "cpu". Gradients are converted back to the dtype of x."""
    place = dtype if isinstance(dtype, str) else device
    if place not in (None, "cpu"):
        fail(
            f"to({place!r}): the device is 'cpu' here; a dtype is written without quotes, as in to(float32)",
            ArrayTypeError,
        )
    wanted = dtype.dtype if isinstance(dtype, Tensor) else x.dtype if dtype is None or isinstance(dtype, str) else dtype
    if x.dtype == wanted and not x.number and not copy:
        return x
    with np.errstate(all="ignore"):
        return record("to", x.array.astype(wanted), (x,), (lambda g: g,))
