"""Just-in-time compilation of Python loops for the CPU by numba, cached on disk where possible."""

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from numba import njit


def kernel(loop: Callable) -> Callable:
    """Return the loop, compiled at its first call and stored in `__pycache__`, or if that is read-only in the cache.

    It runs on one thread in the order of the code, so its result is the same on every machine.
    """
    return _compiled(loop, nogil=True)


def wide_kernel(loop: Callable) -> Callable:
    """Return a loop whose `prange` runs in parallel, with sums vectorized and reordered (fastmath).

    The last digits of its result may differ between machines; for work where that does not matter.
    """
    return _compiled(loop, parallel=True, fastmath=True)


def fast_kernel(loop: Callable) -> Callable:
    """Return a loop on one thread that releases the GIL, with sums reordered (fastmath); to be run in own threads.

    The result is the same in every run on one machine, with any number of cores; another machine may round differently.
    """
    return _compiled(loop, nogil=True, fastmath=True, error_model="numpy")


def _compiled(loop: Callable, **options: Any) -> Callable:
    loop = inspect.unwrap(loop)  # the tests wrap functions to check shapes, which numba cannot compile
    try:
        return njit(cache=True, **options)(loop)
    except RuntimeError:  # there is no writable folder for the cache
        _warn_of_no_cache()
        return njit(**options)(loop)


@functools.cache
def _warn_of_no_cache() -> None:
    warnings.warn(
        "numba finds no folder to store compiled loops in, so every process compiles them again, which takes seconds; "
        "set NUMBA_CACHE_DIR to a folder that can be written",
        stacklevel=4,
    )
