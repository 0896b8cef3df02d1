"""New arrays: from numbers, of zeros and ones, in rows, at random."""

from collections.abc import Sequence

import numpy as np

from lingon.scratch import dtypes
from lingon.scratch.blame import KindError, fail
from lingon.scratch.shaping import _sizes
from lingon.scratch.tensor import Tensor, _known

_random = [np.random.default_rng(0)]
DType = np.dtype | None


def tensor(data, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """A new array with a copy of the numbers: nested lists, a NumPy array, an array. Floats become float32."""
    return Tensor(_numbers(data, dtype).copy(), requires_grad)


def as_tensor(data, dtype: DType = None) -> Tensor:
    """The data as an array, without a copy where none is needed."""
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    return Tensor(_numbers(data, dtype))


def from_numpy(array: np.ndarray) -> Tensor:
    """An array on the memory of a NumPy array: a change of one is seen in the other."""
    if not isinstance(array, np.ndarray):
        fail(f"from_numpy expects a NumPy array, got {type(array).__name__}", KindError)
    return Tensor(_known(array))


def _numbers(data, dtype: DType) -> np.ndarray:
    if isinstance(data, Tensor):
        array = data.array
    elif isinstance(data, np.ndarray | np.generic):
        array = _known(np.asarray(data))
    else:
        array = _from_lists(data)
    return array if dtype is None else _in_kind(array, _dtype(dtype), isinstance(data, Tensor | np.ndarray))


def _in_kind(array: np.ndarray, dtype: np.dtype, typed: bool) -> np.ndarray:
    """The numbers in a dtype; those of Python must fit into it, while those that had a dtype are cut to it."""
    if not typed and dtype.kind in "iu" and array.size:
        low, high, limits = array.min(), array.max(), np.iinfo(dtype)
        if low < limits.min or high > limits.max:
            fail(f"the number {low if low < limits.min else high} does not fit into {dtype}")
    with np.errstate(all="ignore"):
        return array.astype(dtype, copy=False)


def _dtype(dtype: DType) -> np.dtype:
    if dtype not in dtypes.KNOWN:
        fail(f"unknown dtype {dtype!r}; known: {', '.join(map(str, dtypes.KNOWN))}", KindError)
    return np.dtype(dtype)


def _from_lists(data) -> np.ndarray:
    try:
        array = np.asarray(_plain(data))
    except ValueError:
        fail(f"the rows of {str(data)[:60]} have different lengths; an array has one size in each dimension")
    if array.dtype.kind == "f" or not array.size:
        return array.astype(dtypes.DEFAULT)
    if array.dtype.kind not in "bi":
        fail(f"an array is made of numbers, not of {str(data)[:60]!r}", KindError)
    return array


def _plain(data):
    """Nested lists with numbers of Python in them; arrays of one number count as numbers."""
    if isinstance(data, Tensor):
        return data.array.item() if data.numel() == 1 and not data.ndim else data.tolist()
    return [_plain(item) for item in data] if isinstance(data, list | tuple | range) else data


def zeros(*size: int, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """An array of zeros."""
    return full(_sizes(size), 0.0, dtype=dtype or dtypes.DEFAULT, requires_grad=requires_grad)


def ones(*size: int, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """An array of ones."""
    return full(_sizes(size), 1.0, dtype=dtype or dtypes.DEFAULT, requires_grad=requires_grad)


def empty(*size: int, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """An array of any numbers; here of zeros."""
    return zeros(*size, dtype=dtype, requires_grad=requires_grad)


def full(size: Sequence[int], fill_value: float, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """An array of one number; its dtype is that of the number unless another is said."""
    size = _sizes((size,))
    if any(n < 0 for n in size):
        fail(f"sizes cannot be below 0: {list(size)}")
    return Tensor(np.full(size, fill_value, _dtype(dtype) if dtype else _from_lists(fill_value).dtype), requires_grad)


def zeros_like(x: Tensor, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """Zeros in the shape and dtype of x."""
    return full(x.shape, 0, dtype or x.dtype, requires_grad)


def ones_like(x: Tensor, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """Ones in the shape and dtype of x."""
    return full(x.shape, 1, dtype or x.dtype, requires_grad)


def full_like(x: Tensor, fill_value: float, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """One number in the shape and dtype of x."""
    return full(x.shape, fill_value, dtype or x.dtype, requires_grad)


def arange(
    start: float, end: float | None = None, step: float = 1, *, dtype: DType = None, requires_grad: bool = False
) -> Tensor:
    """start, start + step, ... below end; arange(n) begins with 0."""
    start, end = (0, start) if end is None else (start, end)
    if not step or (end - start) * step < 0:
        fail(f"arange from {start} to {end} in steps of {step} never arrives")
    whole = all(isinstance(x, int) for x in (start, end, step))
    numbers = start + step * np.arange(int(np.ceil((end - start) / step)), dtype=dtypes.int64 if whole else None)
    return Tensor(numbers.astype(dtype or (dtypes.int64 if whole else dtypes.DEFAULT)), requires_grad)


def linspace(start: float, end: float, steps: int, *, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """That many numbers in equal distances, both ends among them."""
    if steps < 0:
        fail(f"linspace in {steps} steps; expected 0 or more")
    return Tensor(np.linspace(start, end, steps).astype(dtype or dtypes.DEFAULT), requires_grad)


def eye(n: int, m: int | None = None, *, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal."""
    if n < 0 or (m or 0) < 0:
        fail(f"sizes cannot be below 0: {[n] if m is None else [n, m]}")
    return Tensor(np.eye(n, m, dtype=dtype or dtypes.DEFAULT), requires_grad)


def manual_seed(seed: int) -> None:
    """Begins the random numbers anew; the same seed, the same numbers (others than PyTorch's)."""
    _random[0] = np.random.default_rng(seed)


def rand(*size: int, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """Random numbers, even between 0 and 1."""
    return Tensor(_random[0].random(_sizes(size)).astype(dtype or dtypes.DEFAULT), requires_grad)


def randn(*size: int, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """Random numbers of the normal distribution."""
    return Tensor(np.asarray(_random[0].standard_normal(_sizes(size))).astype(dtype or dtypes.DEFAULT), requires_grad)


def randint(low: int, high: int | None = None, size: Sequence[int] = (), *, dtype: DType = None) -> Tensor:
    """Random whole numbers from `low` to below `high`; randint(high, size=...) begins with 0."""
    if isinstance(high, list | tuple):
        low, high, size = 0, low, high
    low, high = (0, low) if high is None else (low, high)
    if low >= high:
        fail(f"no whole numbers from {low} to below {high}")
    return Tensor(np.asarray(_random[0].integers(low, high, _sizes((size,)))).astype(dtype or dtypes.int64))


def randperm(n: int) -> Tensor:
    """The numbers 0 to n - 1 in a random order."""
    return Tensor(_random[0].permutation(n))


def rand_like(x: Tensor) -> Tensor:
    """Random numbers between 0 and 1 in the shape and dtype of x."""
    return rand(*x.shape, dtype=x.dtype)


def randn_like(x: Tensor) -> Tensor:
    """Normal random numbers in the shape and dtype of x."""
    return randn(*x.shape, dtype=x.dtype)


def _as(name: str, dtype: np.dtype):
    def cast(self: Tensor) -> Tensor:
        return self.to(dtype)

    cast.__name__, cast.__doc__ = name, f"The numbers as {dtype}."
    setattr(Tensor, name, cast)


for _name in ("bool", "long", "int", "half", "float", "double"):
    _as(_name, getattr(dtypes, _name))
