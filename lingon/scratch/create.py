"""New arrays: from data, of zeros and ones, of regular sequences."""

# ruff: noqa: RUF013 - a default of None means that an argument is left out; PyTorch refuses None itself there

from collections.abc import Sequence

import numpy as np

from lingon.scratch import dtypes
from lingon.scratch.arguments import DType, Number, check_arguments
from lingon.scratch.dimensions import shape_of
from lingon.scratch.error_context import ArrayTypeError, fail
from lingon.scratch.operands import known_array
from lingon.scratch.tensor import Tensor


@check_arguments
def tensor(data, *, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """Return a new array with a copy of the data (nested lists, NumPy array, array). Python floats become float32."""
    return Tensor(_numbers(data, dtype).copy(), requires_grad)


@check_arguments
def as_tensor(data, *, dtype: DType = None) -> Tensor:
    """Return the data as an array, without a copy if possible."""
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    return Tensor(_numbers(data, dtype))


@check_arguments
def from_numpy(array: np.ndarray) -> Tensor:
    """Return an array that shares the memory of a NumPy array: changes of one are visible in the other."""
    if not isinstance(array, np.ndarray):
        fail(f"from_numpy expects a NumPy array, got {type(array).__name__}", ArrayTypeError)
    return Tensor(known_array(array))


def _numbers(data, dtype: DType) -> np.ndarray:
    if isinstance(data, Tensor):
        array = data.array
    elif isinstance(data, np.ndarray | np.generic):
        array = known_array(np.asarray(data))
    else:
        array = _from_lists(data)
    return array if dtype is None else _in_kind(array, _dtype(dtype), isinstance(data, Tensor | np.ndarray))


def _in_kind(array: np.ndarray, dtype: np.dtype, typed: bool) -> np.ndarray:
    """Return numbers in a dtype. Python numbers must fit into it; those that had a dtype already are truncated."""
    if not typed and dtype.kind in "iu" and array.size:
        low, high, limits = array.min(), array.max(), np.iinfo(dtype)
        if low < limits.min or high > limits.max:
            fail(f"the number {low if low < limits.min else high} does not fit into {dtype}")
    with np.errstate(all="ignore"):
        return array.astype(dtype, copy=False)


def _dtype(dtype: DType) -> np.dtype:
    if dtype not in dtypes.KNOWN:
        fail(f"unknown dtype {dtype!r}; known: {', '.join(map(str, dtypes.KNOWN))}", ArrayTypeError)
    return np.dtype(dtype)


def _from_lists(data) -> np.ndarray:
    try:
        array = np.asarray(_plain(data))
    except ValueError:
        fail(f"the rows of {str(data)[:60]} have different lengths; an array has one size in each dimension")
    if array.dtype.kind == "f" or not array.size:
        return array.astype(dtypes.DEFAULT)
    if array.dtype.kind not in "bi":
        fail(f"an array is made of numbers, not of {str(data)[:60]!r}", ArrayTypeError)
    return array


def _plain(data):
    """Return nested lists of Python numbers; arrays with one element count as numbers."""
    if isinstance(data, Tensor):
        if data.numel() != 1:
            fail(f"a list of arrays {shape_of(data)} as data: stack(...) and cat(...) join arrays")
        return data.item()
    return [_plain(item) for item in data] if isinstance(data, list | tuple | range) else data


@check_arguments
def zeros(*size: int, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """Return an array of zeros."""
    return full(size, 0.0, dtype=dtype or dtypes.DEFAULT, requires_grad=requires_grad)


@check_arguments
def ones(*size: int, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """Return an array of ones."""
    return full(size, 1.0, dtype=dtype or dtypes.DEFAULT, requires_grad=requires_grad)


@check_arguments
def empty(*size: int, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """Return an array with unspecified values; here zeros."""
    return zeros(size, dtype=dtype, requires_grad=requires_grad)


@check_arguments
def full(size: Sequence[int], fill_value: Number, *, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """Return an array filled with one number; its dtype is that of the number unless another is given."""
    if any(n < 0 for n in size):
        fail(f"sizes cannot be below 0: {list(size)}")
    kind = dtype or _from_lists(fill_value).dtype
    if kind.kind in "iu" and not np.iinfo(kind).min <= fill_value <= np.iinfo(kind).max:
        fail(f"full(): the argument 'fill_value' {fill_value} does not fit into {kind}")
    return Tensor(np.full(size, fill_value, kind), requires_grad)


@check_arguments
def zeros_like(x: Tensor, *, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """Return zeros in the shape and dtype of x."""
    return full(x.shape, 0, dtype=dtype or x.dtype, requires_grad=requires_grad)


@check_arguments
def ones_like(x: Tensor, *, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """Return ones in the shape and dtype of x."""
    return full(x.shape, 1, dtype=dtype or x.dtype, requires_grad=requires_grad)


@check_arguments
def full_like(x: Tensor, fill_value: Number, *, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """Return an array filled with one number, with the shape and dtype of x."""
    return full(x.shape, fill_value, dtype=dtype or x.dtype, requires_grad=requires_grad)


@check_arguments
def arange(
    first: Number = None,
    /,
    end: Number = None,
    step: Number = 1,
    *,
    start: Number = None,
    dtype: DType = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return start, start + step, ... below end; arange(n) begins with 0."""
    if first is not None and start is not None:
        fail("arange() is given 'start' twice", ArrayTypeError)
    start, end = (0, first) if end is None and start is None else (first if start is None else start, end)
    start = 0 if start is None else start
    if end is None:
        fail("arange() needs the argument 'end'", ArrayTypeError)
    _finite("arange", start=start, end=end, step=step)
    if not step or (end - start) * step < 0:
        fail(f"arange from {start} to {end} in steps of {step} never arrives")
    whole = all(isinstance(x, int) for x in (start, end, step))
    _countable("arange", dtype, whole)
    numbers = start + step * np.arange(int(np.ceil((end - start) / step)), dtype=dtypes.int64 if whole else None)
    return Tensor(numbers.astype(dtype or (dtypes.int64 if whole else dtypes.DEFAULT)), requires_grad)


def _finite(name: str, **values: float) -> None:
    for argument, value in values.items():
        if not np.isfinite(value):
            fail(f"{name}(): the argument {argument!r} is a finite number, not {value}")


def _countable(name: str, dtype: DType, whole: bool) -> None:
    if dtype == dtypes.bool or (not whole and dtype is not None and dtype.kind != "f"):
        fail(f"{name}(): the argument 'dtype' is not {dtype} here; make floating numbers, and say .to({dtype})")


@check_arguments
def linspace(start: Number, end: Number, steps: int, *, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """Return `steps` evenly spaced numbers from start to end, both included."""
    if steps < 0:
        fail(f"linspace(): the argument 'steps' is 0 or more, not {steps}")
    _countable("linspace", dtype, whole=False)
    with np.errstate(all="ignore"):
        return Tensor(np.linspace(start, end, steps).astype(dtype or dtypes.DEFAULT), requires_grad)


@check_arguments
def eye(n: int, m: int = None, *, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """Return a matrix with ones on the diagonal and zeros elsewhere."""
    if n < 0 or (m or 0) < 0:
        fail(f"sizes cannot be below 0: {[n] if m is None else [n, m]}")
    return Tensor(np.eye(n, m, dtype=dtype or dtypes.DEFAULT), requires_grad)


def _as(name: str, dtype: np.dtype):
    def cast(self: Tensor) -> Tensor:
        return self.to(dtype)

    cast.__name__, cast.__doc__ = name, f"Return the array as {dtype}."
    cast.__qualname__ = name
    setattr(Tensor, name, check_arguments(cast, method=True))


for _name in ("bool", "long", "int", "half", "float", "double"):
    _as(_name, getattr(dtypes, _name))
