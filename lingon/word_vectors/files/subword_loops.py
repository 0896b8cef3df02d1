"""The compiled loops of `subwords`, and the program that makes them a library: see `lingon.kernels.aot_compile`."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import carray

from lingon.kernels.aot_compile import write_library
from lingon.kernels.jit import kernel

# FNV-1a, with bytes as signed numbers, as fastText has it.
BASIS, PRIME, LOW_32, SIGN = 2_166_136_261, 16_777_619, 0xFFFFFFFF, 0xFFFFFF00


@kernel
def hash_ngrams(data, ends, shortest, longest, buckets, starts, rows):
    """Write the bucket of every n-gram, or only counts them while `rows` is empty."""
    count = 0
    for w in range(len(ends) - 1):
        begin, end = ends[w], ends[w + 1]
        starts[w] = count
        for i in range(begin, end):
            if data[i] & 0xC0 == 0x80:  # inside a letter
                continue
            value, j, n = np.int64(BASIS), i, 1
            while j < end and n <= longest:
                more = True
                while more:
                    byte = np.int64(data[j])
                    value = ((value ^ (byte if byte < 128 else byte | SIGN)) * PRIME) & LOW_32
                    j += 1
                    more = j < end and data[j] & 0xC0 == 0x80
                if n >= shortest and not (n == 1 and (i == begin or j == end)):
                    if len(rows):
                        rows[count] = value % buckets
                    count += 1
                n += 1
    starts[len(ends) - 1] = count
    return count


@kernel
def add_means(own, table, rows, starts, out):
    for w in range(len(own)):
        share = np.float32(1.0 / (1 + starts[w + 1] - starts[w]))
        for d in range(own.shape[1]):
            out[w, d] = own[w, d]
        for k in range(starts[w], starts[w + 1]):
            for d in range(own.shape[1]):
                out[w, d] += table[rows[k], d]
        for d in range(own.shape[1]):
            out[w, d] *= share


def _hashes(places, sizes, numbers):
    data, ends = carray(places[0], (sizes[0],), np.uint8), carray(places[1], (sizes[1],), np.int64)
    starts, rows = carray(places[2], (sizes[2],), np.int64), carray(places[3], (sizes[3],), np.int64)
    numbers[0] = hash_ngrams(data, ends, sizes[4], sizes[5], sizes[6], starts, rows)


def _means(places, sizes, numbers):
    own, table = (
        carray(places[0], (sizes[0], sizes[5]), np.float32),
        carray(places[1], (sizes[1], sizes[5]), np.float32),
    )
    rows, starts = carray(places[2], (sizes[2],), np.int64), carray(places[3], (sizes[3],), np.int64)
    add_means(own, table, rows, starts, carray(places[4], (sizes[4], sizes[5]), np.float32))


LOOPS: tuple[Callable, ...] = (_hashes, _means)

if __name__ == "__main__":
    write_library(LOOPS[int(sys.argv[1])], Path(sys.argv[2]))
