"""Operations that make one number of many: sum, mean, max, norm, and those of probabilities, softmax and its kin."""

# ruff: noqa: RUF013 - a default of None means that an argument is left out; PyTorch refuses None itself there

import builtins
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from lingon.scratch import dtypes
from lingon.scratch.arguments import Dims, DType, Number, argument_type, as_ints, as_number, check_arguments
from lingon.scratch.elementwise import _meet, maximum, minimum, where
from lingon.scratch.error_context import ArrayIndexError, ArrayTypeError, MathError, fail, operands
from lingon.scratch.tensor import Tensor, method, normalize_dim, record, shape_of

NOT_GIVEN: Any = ...  # other than None, which means all dimensions

Order = float | str | None
Listed = int | tuple[int, ...] | None  # without arrays of one number, which PyTorch's norm refuses
argument_type(Listed, "a dimension, several or None", as_ints, int, type(None))
argument_type(Order, "a number or 'fro'", as_number, float, int, bool, str, type(None))
argument_type(Number | None, "a number or None", as_number, float, int, bool, type(None))


class ValuesAndIndices(NamedTuple):
    """What max and min along a dimension give: the numbers, and where they stand."""

    values: Tensor
    indices: Tensor


def _dims(x: Tensor, dim: Dims) -> tuple[int, ...]:
    """Return the dimensions that are meant, counted from 0; none or an empty list mean all."""
    if dim is None or dim is ... or (not isinstance(dim, int) and not len(dim)):
        return tuple(range(x.ndim))
    named = (dim,) if isinstance(dim, int) else tuple(dim)
    dims = tuple(normalize_dim(x, d) for d in named)
    if len(set(dims)) < len(dims):
        fail(f"a dimension is named twice in {named}")
    return dims if x.ndim else ()


def _again(x: Tensor, g: Tensor, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    """Return a reduced array with the dimensions back that it lost, each of size 1."""
    return g if keepdim else g.reshape([1 if d in dims else size for d, size in enumerate(x.shape)])


@method
def sum(x: Tensor, dim: Dims = NOT_GIVEN, keepdim: bool = None, *, dtype: DType = None) -> Tensor:
    """Return the sum over all numbers, or along dimensions; of whole numbers and truth values an int64."""
    x, keepdim = _as("sum", x, dtype), _kept("sum", dim, keepdim)
    dims = _dims(x, dim)
    kind = dtype or (x.dtype if x.dtype.kind == "f" else dtypes.int64)
    value = np.sum(x.array, dims, dtype=kind, keepdims=keepdim)
    return record("sum", value, (x,), (lambda g: _again(x, g, dims, keepdim).expand(x.shape),))


@method
def mean(x: Tensor, dim: Dims = NOT_GIVEN, keepdim: bool = None, *, dtype: DType = None) -> Tensor:
    """Return the mean; of floating numbers only, or as another dtype."""
    x, keepdim = _as("mean", x, dtype), _kept("mean", dim, keepdim)
    _floating(x, "mean")
    return sum(x, None if dim is ... else dim, keepdim) / _count(x, dim)


def _as(name: str, x: Tensor, dtype: DType) -> Tensor:
    if x.requires_grad and dtype is not None and dtype.kind != "f":
        fail(f"{name}(): the argument 'dtype' is {dtype}, which has no gradients; say x.detach() first")
    return x if dtype is None else x.to(dtype)


def _kept(name: str, dim: Dims, keepdim: bool | None) -> bool:
    if keepdim is not None and dim is ...:
        fail(f"{name}() takes 'keepdim' only together with 'dim', which may be None", ArrayTypeError)
    return bool(keepdim)


def _floating(x: Tensor, name: str) -> None:
    if x.dtype.kind != "f":
        fail(f"{name} is for floating numbers, and {operands(shape_of(x))} is {x.dtype}; say float() first")


def _count(x: Tensor, dim: Dims) -> int:
    return int(np.prod([x.shape[d] for d in _dims(x, dim)]))


def _unbiased_first(function: Callable) -> Callable:
    """Return the function, whose first argument may be `unbiased` too: x.var(False)."""
    full, of_array = check_arguments(function), check_arguments(function, method=True)

    def shifted(held: Callable) -> Callable:
        @functools.wraps(held)
        def call(*args, **named) -> Tensor:
            first = len(args) == 2 and isinstance(args[1], bool)
            return held(*((args[0], None, args[1]) if first else args), **named)

        return call

    setattr(Tensor, function.__name__, shifted(of_array))
    return shifted(full)


@_unbiased_first
def var(
    x: Tensor, dim: Dims = None, unbiased: bool = None, keepdim: bool = False, *, correction: Number | None = None
) -> Tensor:
    """Return the mean square distance from the mean; the sum is divided by the count less `correction`, which is 1.

    unbiased: another way to say correction, 1 for True and 0 for False; it may come first, x.var(False).
    """
    _floating(x, "var")
    correction, count = _corrected("var", unbiased, correction), _count(x, dim)
    squares = (x - mean(x, dim, keepdim=True)).square()
    return sum(squares, dim, keepdim) / (builtins.max(0, count - correction) if count else 0)


def _corrected(name: str, unbiased: bool | None, correction: Number | None) -> Number:
    if unbiased is not None and correction is not None:
        fail(f"{name}() takes 'unbiased' or 'correction', not both", ArrayTypeError)
    return int(unbiased) if unbiased is not None else 1 if correction is None else correction


@_unbiased_first
def std(
    x: Tensor, dim: Dims = None, unbiased: bool = None, keepdim: bool = False, *, correction: Number | None = None
) -> Tensor:
    """Return the root of the variance; where that is 0 the gradient is 0."""
    _floating(x, "std")
    correction = _corrected("std", unbiased, correction)
    return _root(var(x, dim, keepdim=keepdim, correction=correction))


@method
def norm(x: Tensor, p: Order = "fro", dim: Listed = None, keepdim: bool = False, dtype: DType = None) -> Tensor:
    """Return the p-norm of all numbers or along dimensions, sum(abs(x) ** p) ** (1 / p); without p the root of squares.

    p: any number; inf and -inf are the largest and the smallest size, 0 counts what is not 0. Where the norm is 0 its
    gradient is 0.
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


def _root(x: Tensor) -> Tensor:
    zero = x == 0
    return where(zero, 0.0, where(zero, 1.0, x).sqrt())


@method
def prod(x: Tensor, dim: int = None, keepdim: bool = None, *, dtype: DType = None) -> Tensor:
    """Return the product of all numbers, or along a dimension: by halves, so that gradients at zeros are right too."""
    x = _as("prod", x, dtype or (x.dtype if x.dtype.kind == "f" else dtypes.int64))
    if dim is None:
        _only_along("prod", keepdim)
        return prod(x.reshape(-1), 0, dtype=x.dtype)
    last = x.transpose(normalize_dim(x, dim), -1) if x.ndim else x.reshape(1)
    if not last.shape[-1]:
        last = (last.sum(-1, keepdim=True) + 1).to(x.dtype)
    elif last.shape[-1] == 1:
        last = last.clone()  # a result has memory of its own
    while last.shape[-1] > 1:
        half, odd = divmod(last.shape[-1], 2)
        pairs = last[..., :half] * last[..., half : 2 * half]
        last = _behind(pairs, last[..., 2 * half :]) if odd else pairs
    normalize_dim(x, dim)
    kept = last.transpose(dim, -1) if x.ndim else last.reshape(())
    return kept if keepdim or not x.ndim else kept.squeeze(dim)


def _only_along(name: str, keepdim: bool | None) -> None:
    if keepdim is not None:
        fail(f"{name}() takes 'keepdim' only together with 'dim'", ArrayTypeError)


def _behind(a: Tensor, b: Tensor) -> Tensor:
    count = a.shape[-1]
    rules = (lambda g: g[..., :count], lambda g: g[..., count:])
    return record("cat", np.concatenate([a.array, b.array], -1), (a, b), rules)


@method
def cumsum(x: Tensor, dim: int, *, dtype: DType = None) -> Tensor:
    """Return the sum of each number and all before it along a dimension."""
    dim = normalize_dim(x, dim)
    dtype = dtype or (x.dtype if x.dtype.kind == "f" else dtypes.int64)
    x = _as("cumsum", x, dtype)
    value = np.cumsum(x.array, dim, dtype=dtype) if x.ndim else x.array.copy()
    return record("cumsum", value, (x,), (lambda g: g.flip((dim,)).cumsum(dim).flip((dim,)) if x.ndim else g,))


def _extreme(name: str, pick: Callable, place: Callable, pair: Callable) -> Callable:
    def along(x: Tensor, dim: int = None, keepdim: bool = None) -> Tensor | ValuesAndIndices:
        if dim is None:
            _only_along(name, keepdim)
            return _evenly(name, pick, x, None, False)
        indices = _place(name, place, x, dim, keepdim=True)
        values = x.gather(dim, indices)
        return ValuesAndIndices(*((v if keepdim else v.squeeze(dim)) for v in (values, indices)))

    along.__name__ = along.__qualname__ = name
    along = check_arguments(along)

    @functools.wraps(along)
    def full(*args, **named) -> Tensor | ValuesAndIndices:
        two = "other" in named or (len(args) > 1 and isinstance(args[1], Tensor))
        return (pair if two else along)(*args, **named)

    full.__doc__ = (
        f"The {name} of all numbers; along a dimension with its places; of two arrays the {name} of each two."
    )
    setattr(Tensor, name, full)
    return full


def _evenly(name: str, pick: Callable, x: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    """Return the largest or smallest; equal ones share its gradient."""
    dims = _dims(x, dim)
    _some(name, x, dims, ArrayIndexError if dim is not None else MathError)
    value = np.asarray(pick(x.array, axis=dims, keepdims=keepdim))
    whole = value.reshape([1 if d in dims else size for d, size in enumerate(x.shape)])
    best = (x.array == whole) | ((x.array != x.array) & (whole != whole))
    share = best / np.maximum(best.sum(dims, keepdims=True), 1)
    share = Tensor(share.astype(x.dtype, copy=False))
    return record(name, value, (x,), (lambda g: _again(x, g, dims, keepdim) * share,))


def _some(name: str, x: Tensor, dims: tuple[int, ...], kind: type = ArrayIndexError) -> None:
    if builtins.any(not x.shape[d] for d in dims):
        fail(f"{name} of no numbers: {operands(shape_of(x))}", kind)


def _place(name: str, place: Callable, x: Tensor, dim: int | None, keepdim: bool = False) -> Tensor:
    if x.dtype.kind == "b" and name.startswith("arg"):
        fail(f"{name} of truth values; say x.int() first")
    dims = _dims(x, dim)
    _some(name, x, dims, ArrayIndexError if dim is not None else MathError)
    if not x.ndim:
        return Tensor(np.zeros((), dtypes.int64))
    found = place(x.array, axis=None if dim is None else dims[0], keepdims=keepdim)
    return Tensor(np.asarray(found).astype(dtypes.int64, copy=False))


max = _extreme("max", np.max, np.argmax, maximum)
min = _extreme("min", np.min, np.argmin, minimum)


@method
def amax(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Return the largest number along dimensions; equal ones share its gradient."""
    return _evenly("amax", np.max, x, dim, keepdim)


@method
def amin(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Return the smallest number along dimensions; equal ones share its gradient."""
    return _evenly("amin", np.min, x, dim, keepdim)


@method
def argmax(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the place of the largest number, the first of equal ones."""
    return _place("argmax", np.argmax, x, dim, keepdim)


@method
def argmin(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the place of the smallest number, the first of equal ones."""
    return _place("argmin", np.argmin, x, dim, keepdim)


@method
def argsort(x: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Tensor:
    """Return the places in ascending order, equal ones in the order in which they stand; NaN is the largest."""
    dim = normalize_dim(x, dim)
    if not x.ndim:
        return Tensor(np.zeros((), dtypes.int64))
    if not descending:
        return Tensor(np.argsort(x.array, dim, kind="stable"))
    # The order of the array read from its end, itself read from its end: falling, and equal ones as they stand.
    order = np.flip(np.argsort(np.flip(x.array, dim), dim, kind="stable"), dim)
    return Tensor(x.shape[dim] - 1 - order)


@method
def any(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Return whether any is true, or not 0; along no dimension at all, (), of each number by itself."""
    return _truth(x, np.any(x.array, axis=() if dim == () else _dims(x, dim), keepdims=keepdim))


@method
def all(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Return whether all are true, or not 0; along no dimension at all, (), of each number by itself."""
    return _truth(x, np.all(x.array, axis=() if dim == () else _dims(x, dim), keepdims=keepdim))


def _truth(x: Tensor, value: np.ndarray) -> Tensor:
    """Return a truth value; for uint8, which once stood for it in PyTorch, still a uint8."""
    return Tensor(np.asarray(value).astype(x.dtype if x.dtype == dtypes.uint8 else dtypes.bool))


@method
def logsumexp(x: Tensor, dim: int | Sequence[int], keepdim: bool = False) -> Tensor:
    """Return the log of the sum of exp(x), safe for large numbers: the largest is taken out first."""
    if dim == ():
        fail("logsumexp(): the argument 'dim' is at least one dimension, not ()")
    x = x if x.dtype.kind == "f" else x.to(dtypes.DEFAULT)
    largest = _largest(x, _dims(x, dim))
    total = sum((x - largest).exp(), dim, keepdim=True).log() + largest
    return total if keepdim else total.squeeze(_dims(x, dim))


def _largest(x: Tensor, dims: tuple[int, ...]) -> Tensor:
    largest = np.max(x.array, axis=dims, keepdims=True, initial=-np.inf)
    return Tensor(np.where(np.isfinite(largest), largest, 0).astype(x.dtype))


@method
def softmax(x: Tensor, dim: int, dtype: DType = None) -> Tensor:
    """Return exp(x) along a dimension, divided by its sum: numbers above 0 that add up to 1."""
    x = x if dtype is None else x.to(dtype)
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
def log_softmax(x: Tensor, dim: int, dtype: DType = None) -> Tensor:
    """Return the log of softmax, safe where a probability is too small for a number."""
    x = x if dtype is None else x.to(dtype)
    _floating(x, "log_softmax")
    dims = _dims(x, dim)
    with np.errstate(all="ignore"):
        value = x.array - np.max(x.array, axis=dims, keepdims=True, initial=-np.inf)
        value = value - np.log(np.sum(np.exp(value), axis=dims, keepdims=True))
    rule = lambda g: g - softmax(x, dim) * sum(g, dims, keepdim=True)
    return record("log_softmax", value, (x,), (rule if x.ndim else lambda g: g * 0,), (x,))


def _same_numbers(x: Tensor, y: Tensor) -> None:
    if x.dtype != y.dtype:
        fail(f"the dtypes differ: {operands(f'{shape_of(x)} {x.dtype}', f'{shape_of(y)} {y.dtype}')}")
    _meet(x, y)


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
    """Return whether two arrays have one shape and the same numbers."""
    return x.shape == other.shape and bool((x.array == other.array).all())
