"""Loops of numba: kept where there is a place, compiled anew with one warning where there is none."""

import warnings

import pytest

from lingon.kernels import jit


def triple(x):
    return 3 * x


def test_without_a_folder_to_keep_it_a_loop_is_compiled_all_the_same_and_that_is_told_once(monkeypatch):
    made = jit.njit

    def without_cache(*given, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function 'triple': no locator available")
        return made(*given, **options)

    monkeypatch.setattr(jit, "njit", without_cache)
    jit._warn_of_no_cache.cache_clear()
    with pytest.warns(UserWarning, match="set NUMBA_CACHE_DIR to a folder that can be written"):
        assert jit.kernel(triple)(5) == 15
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert jit.fast_kernel(triple)(7) == 21
