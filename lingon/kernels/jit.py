"""Compiles a plain Python loop for the CPU, once per machine where there is a place to keep the result."""

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from numba import njit


def kernel(loop: Callable) -> Callable:
    """Return the loop, compiled at its first call and kept in `__pycache__`, or if that is read-only in the cache.

    It runs on one thread and in the order it is written, so its result is the same on every machine with any cores.
    """
    return _compiled(loop, nogil=True)


def wide_kernel(loop: Callable) -> Callable:
    """Return a loop whose `prange` is shared by the cores, with sums added in any order by the widest vectors.

    So the last digits of its result may differ from machine to machine; for work where that does not matter.
    """
    return _compiled(loop, parallel=True, fastmath=True)


def fast_kernel(loop: Callable) -> Callable:
    """Return a loop on one thread that frees Python's lock, with sums added in any order; for threads of one's own.

    The result is the same on every run of one machine, with any number of cores; another machine may round otherwise.
    """
    return _compiled(loop, nogil=True, fastmath=True, error_model="numpy")


def _compiled(loop: Callable, **options: Any) -> Callable:
    loop = inspect.unwrap(loop)  # the tests wrap functions to check shapes, which the compiler cannot read
    try:
        return njit(cache=True, **options)(loop)
    except RuntimeError:  # no folder can be written to
        _warn_of_no_cache()
        return njit(**options)(loop)


@functools.cache
def _warn_of_no_cache() -> None:
    warnings.warn(
        "numba finds no folder to store compiled loops in, so every process compiles them again, which takes seconds; "
        "set NUMBA_CACHE_DIR to a folder that can be written",
        stacklevel=4,
    )
