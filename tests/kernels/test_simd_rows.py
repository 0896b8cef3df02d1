"""Rows as values of a compiled loop, against NumPy."""

import numpy as np
import pytest
from numba import TypingError, njit

from lingon.kernels.simd_rows import LINE, read_row, row_dot, write_row


@pytest.mark.parametrize("lines", [1, 2, 7, 19, 48])
def test_sums_and_products_of_rows_are_those_of_numpy(lines):
    @njit
    def compute(table, a, b, into, share, lines):
        one, other = read_row(table, a, lines), read_row(table, b, lines)
        write_row(table, into, one + other * share)
        return row_dot(one, other)

    table = np.random.default_rng(lines).normal(size=(9, LINE * lines)).astype(np.float32)
    wanted = table.copy()
    wanted[5] = table[2] + table[8] * np.float32(0.75)
    got = compute(table, np.uint64(2), np.uint64(8), np.uint64(5), np.float32(0.75), (0,) * lines)
    assert got == pytest.approx(table[2].astype(float) @ table[8].astype(float), rel=1e-4, abs=1e-4)
    np.testing.assert_allclose(table, wanted, rtol=1e-6, atol=1e-6)
    untouched = [0, 1, 2, 3, 4, 6, 7, 8]
    np.testing.assert_array_equal(table[untouched], wanted[untouched])


def test_a_sum_that_a_loop_carries_need_not_start_on_a_cache_line():
    @njit
    def total(table, count, lines):
        value = read_row(table, np.uint64(0), lines)
        for i in range(1, count):
            value = value + read_row(table, np.uint64(i), lines)
        write_row(table, np.uint64(0), value)

    table = np.arange(6 * 32 + 3, dtype=np.float32)[3:].reshape(6, 32)
    wanted = table.sum(0)
    total(table, 6, (0, 0))
    np.testing.assert_array_equal(table[0], wanted)


def test_rows_of_two_widths_do_not_mix_and_float64_is_no_share():
    @njit
    def mixed(table):
        return row_dot(
            read_row(table, np.uint64(0), (0,)) + read_row(table, np.uint64(1), (0, 0)),
            read_row(table, np.uint64(0), (0,)),
        )

    @njit
    def scaled(table):
        write_row(table, np.uint64(0), read_row(table, np.uint64(0), (0,)) * 0.5)

    for wrong in (mixed, scaled):
        with pytest.raises(TypingError):
            wrong(np.zeros((4, 16), np.float32))


def test_tables_of_float64_and_of_strides_are_refused():
    @njit
    def first(table):
        return row_dot(read_row(table, np.uint64(0), (0,)), read_row(table, np.uint64(0), (0,)))

    for wrong in (np.zeros((4, 16)), np.zeros((4, 32), np.float32)[:, ::2]):
        with pytest.raises(TypingError):
            first(wrong)
