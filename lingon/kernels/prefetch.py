"""Prefetching of table rows into the processor's cache, inside a compiled loop.

A loop that reads random rows of a large table waits for each one; rows prefetched a step ahead are loaded concurrently.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from lingon.kernels.jit import fast_kernel
from lingon.kernels.simd_rows import LINE

READ, ALL_LEVELS, DATA = (ir.IntType(32)(n) for n in (0, 3, 1))


@fast_kernel
def prefetch_row(table, row):
    """Prefetch row `row` of a float32 table [N, D]. row: unsigned, so that no index counts from the end."""
    for column in range(0, table.shape[1], LINE):
        _fetch(table, row, np.uint64(column))


@intrinsic
def _fetch(_, table, row, column):
    """Prefetch the cache line with table[row, column] for reading: for writing, other cores would lose it."""

    def generate(context, builder, signature, arguments):
        array = context.make_array(table)(context, builder, arguments[0])
        place = cgutils.get_item_pointer(context, builder, table, array, arguments[1:], wraparound=False)
        address, number = cgutils.voidptr_t, ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address, number, number, number])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [address], kind)
        builder.call(prefetch, [builder.bitcast(place, address), READ, ALL_LEVELS, DATA])
        return context.get_dummy_value()

    return types.void(table, row, column), generate
