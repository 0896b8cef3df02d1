"""New arrays of random numbers, from one seeded generator."""

# ruff: noqa: RUF013 - a default of None means that an argument is left out; PyTorch refuses None itself there

from collections.abc import Callable, Sequence

import numpy as np

from lingon.scratch import dtypes
from lingon.scratch.arguments import Dims, DType, check_arguments
from lingon.scratch.error_context import ArrayTypeError, fail
from lingon.scratch.tensor import Tensor

_random = [np.random.default_rng(0)]


@check_arguments
def manual_seed(seed: int) -> None:
    """Seed the generator; the same seed gives the same numbers (but not PyTorch's)."""
    _random[0] = np.random.default_rng(seed)


@check_arguments
def rand(*size: int, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """Return random numbers, uniform between 0 and 1."""
    return _drawn(_random[0].random, size, dtype or dtypes.DEFAULT, requires_grad)


@check_arguments
def randn(*size: int, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """Return random numbers of the standard normal distribution."""
    return _drawn(_random[0].standard_normal, size, dtype or dtypes.DEFAULT, requires_grad)


def _drawn(draw: Callable, size: Sequence[int], dtype: np.dtype, requires_grad: bool = False) -> Tensor:
    if any(n < 0 for n in size):
        fail(f"sizes cannot be below 0: {list(size)}")
    if dtype.kind != "f":
        fail(f"the argument 'dtype' of random numbers is a floating one, not {dtype}")
    return Tensor(np.asarray(draw(tuple(size))).astype(dtype), requires_grad)


@check_arguments
def randint(
    low: int, high: Dims = None, size: Sequence[int] = None, *, dtype: DType = None, requires_grad: bool = False
) -> Tensor:
    """Return random integers from `low` to `high` - 1; randint(high, size=...) starts at 0."""
    if isinstance(high, tuple):
        if size is not None:
            fail("randint() is given 'size' twice", ArrayTypeError)
        size, high = high, None
    first, end = (0, low) if high is None else (low, high)
    if size is None:
        fail("randint() needs the argument 'size'", ArrayTypeError)
    assert isinstance(end, int)
    if first >= end:
        fail(f"randint(): no whole numbers from low {first} to below high {end}")
    if any(n < 0 for n in size):
        fail(f"sizes cannot be below 0: {list(size)}")
    return Tensor(np.asarray(_random[0].integers(first, end, size)).astype(dtype or dtypes.int64), requires_grad)


@check_arguments
def randperm(n: int, *, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """Return the numbers 0 to n - 1 in a random order."""
    if n < 0:
        fail(f"randperm(): the argument 'n' is 0 or more, not {n}")
    return Tensor(_random[0].permutation(n).astype(dtype or dtypes.int64), requires_grad)


@check_arguments
def rand_like(x: Tensor, *, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """Return random numbers between 0 and 1 in the shape and dtype of x."""
    return _drawn(_random[0].random, x.shape, dtype or x.dtype, requires_grad)


@check_arguments
def randn_like(x: Tensor, *, dtype: DType = None, requires_grad: bool = False) -> Tensor:
    """Return normal random numbers in the shape and dtype of x."""
    return _drawn(_random[0].standard_normal, x.shape, dtype or x.dtype, requires_grad)
