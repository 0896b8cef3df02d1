"""A row that is asked for early is the same row, and the processor is really asked."""

import numpy as np
from numba import njit

from lingon.kernels.prefetch import prefetch_row


def test_asking_for_rows_changes_nothing_and_is_an_instruction_of_the_processor():
    @njit
    def asked(table, rows):
        for i in range(len(rows)):
            prefetch_row(table, rows[i])
        return table.sum()

    table = np.arange(35 * 48, dtype=np.float32).reshape(35, 48)
    kept = table.copy()
    assert asked(table, np.array([0, 34, 7], np.uint64)) == kept.sum()
    np.testing.assert_array_equal(table, kept)
    code = "".join(asked.inspect_asm().values())
    assert "prefetch" in code or "prfm" in code
