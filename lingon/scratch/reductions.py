"""Operations that make one number of many: sum, mean, max, norm, and those of probabilities, softmax and its kin."""

import builtins
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from lingon.scratch import dtypes
from lingon.scratch.blame import MathError, PlaceError, fail, operands
from lingon.scratch.elementwise import maximum, minimum, where
from lingon.scratch.tensor import Tensor, axis, method, record, shown

Dims = int | Sequence[int] | None


class Extreme(NamedTuple):
    """What max and min along a dimension give: the numbers, and where they stand."""

    values: Tensor
    indices: Tensor


def _dims(x: Tensor, dim: Dims) -> tuple[int, ...]:
    """The dimensions that are meant, counted from 0; none or an empty list mean all."""
    if dim is None or (not isinstance(dim, int) and not len(dim)):
        return tuple(range(x.ndim))
    dims = tuple(axis(x, d) for d in ((dim,) if isinstance(dim, int) else dim))
    if len(set(dims)) < len(dims):
        fail(f"a dimension is named twice in {tuple(dim)}")
    return dims if x.ndim else ()


def _again(x: Tensor, g: Tensor, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    """A reduced array with the dimensions back that it lost, each of size 1."""
    return g if keepdim else g.reshape([1 if d in dims else size for d, size in enumerate(x.shape)])


@method
def sum(x: Tensor, dim: Dims = None, keepdim: bool = False, dtype: np.dtype | None = None) -> Tensor:
    """The sum over all numbers, or along dimensions; of whole numbers and truth values an int64."""
    x = x.to(dtype) if dtype else x
    dims = _dims(x, dim)
    value = np.sum(x.array, dims, dtype=x.dtype if x.dtype.kind == "f" else dtypes.int64, keepdims=keepdim)
    return record("sum", value, (x,), (lambda g: _again(x, g, dims, keepdim).expand(*x.shape),))


@method
def mean(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The mean; of floating numbers only."""
    _floating(x, "mean")
    return sum(x, dim, keepdim) / _count(x, dim)


def _floating(x: Tensor, name: str) -> None:
    if x.dtype.kind != "f":
        fail(f"{name} is for floating numbers, and {operands(shown(x))} is {x.dtype}; say float() first")


def _count(x: Tensor, dim: Dims) -> int:
    return int(np.prod([x.shape[d] for d in _dims(x, dim)]))


@method
def var(x: Tensor, dim: Dims = None, keepdim: bool = False, correction: int = 1) -> Tensor:
    """The mean square distance from the mean; the sum is divided by the count less `correction`."""
    _floating(x, "var")
    squares = (x - mean(x, dim, keepdim=True)).square()
    return sum(squares, dim, keepdim) / builtins.max(0, _count(x, dim) - correction)


@method
def std(x: Tensor, dim: Dims = None, keepdim: bool = False, correction: int = 1) -> Tensor:
    """The root of the variance; where that is 0 the gradient is 0."""
    return _root(var(x, dim, keepdim, correction))


@method
def norm(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The root of the sum of squares; of zeros the gradient is 0."""
    _floating(x, "norm")
    return _root(sum(x.square(), dim, keepdim))


def _root(x: Tensor) -> Tensor:
    zero = x == 0
    return where(zero, 0.0, where(zero, 1.0, x).sqrt())


@method
def prod(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The product of all numbers, or along a dimension: by halves, so that the gradient is right at zeros too."""
    x = x if x.dtype.kind == "f" else x.to(dtypes.int64)
    if dim is None:
        return prod(x.reshape(-1), 0)
    last = x.transpose(axis(x, dim), -1) if x.ndim else x.reshape(1)
    if not last.shape[-1]:
        last = last.sum(-1, keepdim=True) + 1
    elif last.shape[-1] == 1:
        last = last.clone()  # a result has memory of its own
    while last.shape[-1] > 1:
        half, odd = divmod(last.shape[-1], 2)
        pairs = last[..., :half] * last[..., half : 2 * half]
        last = _behind(pairs, last[..., 2 * half :]) if odd else pairs
    kept = last.transpose(dim, -1) if x.ndim else last.reshape(())
    return kept if keepdim or not x.ndim else kept.squeeze(dim)


def _behind(a: Tensor, b: Tensor) -> Tensor:
    count = a.shape[-1]
    rules = (lambda g: g[..., :count], lambda g: g[..., count:])
    return record("cat", np.concatenate([a.array, b.array], -1), (a, b), rules)


@method
def cumsum(x: Tensor, dim: int) -> Tensor:
    """The sum of each number and all before it along a dimension."""
    dim = axis(x, dim)
    dtype = x.dtype if x.dtype.kind == "f" else dtypes.int64
    value = np.cumsum(x.array, dim, dtype=dtype) if x.ndim else x.array.astype(dtype)
    return record("cumsum", value, (x,), (lambda g: g.flip(dim).cumsum(dim).flip(dim) if x.ndim else g,))


def _extreme(name: str, pick: Callable, place: Callable, pair: Callable) -> Callable:
    def full(x: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Tensor | Extreme:
        if isinstance(dim, Tensor):
            return pair(x, dim)
        if dim is None:
            return _evenly(name, pick, x, None, False)
        indices = _place(name, place, x, dim, keepdim=True)
        values = x.gather(dim, indices)
        return Extreme(*((v if keepdim else v.squeeze(dim)) for v in (values, indices)))

    full.__name__ = full.__qualname__ = name
    full.__doc__ = (
        f"The {name} of all numbers; along a dimension with its places; of two arrays the {name} of each two."
    )
    return method(full)


def _evenly(name: str, pick: Callable, x: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    """The largest or smallest; equal ones share its gradient."""
    dims = _dims(x, dim)
    _some(name, x, dims, PlaceError if dim is not None else MathError)
    value = np.asarray(pick(x.array, axis=dims, keepdims=keepdim))
    best = x.array == value.reshape([1 if d in dims else size for d, size in enumerate(x.shape)])
    share = best / np.maximum(best.sum(dims, keepdims=True), 1)
    share = Tensor(share.astype(x.dtype, copy=False))
    return record(name, value, (x,), (lambda g: _again(x, g, dims, keepdim) * share,))


def _some(name: str, x: Tensor, dims: tuple[int, ...], kind: type = PlaceError) -> None:
    if builtins.any(not x.shape[d] for d in dims):
        fail(f"{name} of no numbers: {operands(shown(x))}", kind)


def _place(name: str, place: Callable, x: Tensor, dim: int | None, keepdim: bool = False) -> Tensor:
    _some(name, x, _dims(x, dim))
    dim = None if dim is None or not x.ndim else axis(x, dim)
    if not x.ndim:
        return Tensor(np.zeros((), dtypes.int64))
    return Tensor(np.asarray(place(x.array, axis=dim, keepdims=keepdim)).astype(dtypes.int64, copy=False))


max = _extreme("max", np.max, np.argmax, maximum)
min = _extreme("min", np.min, np.argmin, minimum)


@method
def amax(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The largest number along dimensions; equal ones share its gradient."""
    return _evenly("amax", np.max, x, dim, keepdim)


@method
def amin(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The smallest number along dimensions; equal ones share its gradient."""
    return _evenly("amin", np.min, x, dim, keepdim)


@method
def argmax(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The place of the largest number, the first of equal ones."""
    return _place("argmax", np.argmax, x, dim, keepdim)


@method
def argmin(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The place of the smallest number, the first of equal ones."""
    return _place("argmin", np.argmin, x, dim, keepdim)


@method
def argsort(x: Tensor, dim: int = -1, descending: bool = False) -> Tensor:
    """The places in the order of the numbers, equal ones in the order in which they stand."""
    order = np.argsort(-x.array if descending else x.array, axis(x, dim), kind="stable") if x.ndim else 0 * x.array
    return Tensor(order.astype(dtypes.int64, copy=False))


@method
def any(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether any is true, or not 0."""
    return _truth(x, np.any(x.array, axis=_dims(x, dim), keepdims=keepdim))


@method
def all(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether all are true, or not 0."""
    return _truth(x, np.all(x.array, axis=_dims(x, dim), keepdims=keepdim))


def _truth(x: Tensor, value: np.ndarray) -> Tensor:
    """A truth value; for uint8, which once stood for it in PyTorch, still a uint8."""
    return Tensor(np.asarray(value).astype(x.dtype if x.dtype == dtypes.uint8 else dtypes.bool))


@method
def logsumexp(x: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """The log of the sum of exp(x), safe for large numbers: the largest is taken out first."""
    _floating(x, "logsumexp")
    largest = _largest(x, _dims(x, dim))
    total = sum((x - largest).exp(), dim, keepdim=True).log() + largest
    return total if keepdim else total.squeeze(_dims(x, dim))


def _largest(x: Tensor, dims: tuple[int, ...]) -> Tensor:
    largest = np.max(x.array, axis=dims, keepdims=True, initial=-np.inf)
    return Tensor(np.where(np.isfinite(largest), largest, 0).astype(x.dtype))


@method
def softmax(x: Tensor, dim: int) -> Tensor:
    """exp(x) along a dimension, divided by its sum: numbers above 0 that add up to 1."""
    _floating(x, "softmax")
    dims = _dims(x, dim)
    with np.errstate(all="ignore"):
        value = np.exp(x.array - np.max(x.array, axis=dims, keepdims=True, initial=-np.inf))
        value /= np.sum(value, axis=dims, keepdims=True)

    def rule(g: Tensor) -> Tensor:
        p = softmax(x, dim)
        return p * (g - sum(g * p, dims, keepdim=True))

    return record("softmax", value, (x,), (rule if x.ndim else lambda g: g * 0,), (x,))


@method
def log_softmax(x: Tensor, dim: int) -> Tensor:
    """The log of softmax, safe where a probability is too small for a number."""
    _floating(x, "log_softmax")
    dims = _dims(x, dim)
    with np.errstate(all="ignore"):
        value = x.array - np.max(x.array, axis=dims, keepdims=True, initial=-np.inf)
        value = value - np.log(np.sum(np.exp(value), axis=dims, keepdims=True))
    rule = lambda g: g - softmax(x, dim) * sum(g, dims, keepdim=True)
    return record("log_softmax", value, (x,), (rule if x.ndim else lambda g: g * 0,), (x,))


def _same_numbers(x: Tensor, y: Tensor) -> None:
    if x.dtype != y.dtype:
        fail(f"the dtypes differ: {operands(f'{shown(x)} {x.dtype}', f'{shown(y)} {y.dtype}')}")


@method
def isclose(x: Tensor, y: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """True where |x - y| <= atol + rtol |y|."""
    _same_numbers(x, y)
    return Tensor(np.isclose(x.array, y.array, rtol, atol, equal_nan))


@method
def allclose(x: Tensor, y: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether all |x - y| <= atol + rtol |y|."""
    return bool(isclose(x, y, rtol, atol, equal_nan).array.all())


@method
def equal(x: Tensor, y: Tensor) -> bool:
    """Whether two arrays have one shape and the same numbers."""
    return x.shape == y.shape and bool((x.array == y.array).all())
