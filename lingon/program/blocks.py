"""Runs a chain of element-wise operators block by block, so that each block stays in the cache."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided

from lingon.program.threads import workers

BUDGET = 1 << 21  # bytes of a block in all its arrays; measured: with two threads, smaller blocks wait for each other
LEAST = 1 << 10  # minimum elements of a block: with fewer, calls cost more than computing
APART = 1 << 17  # minimum elements for which several threads are used


@dataclass(frozen=True)
class Instruction:
    """One operator of a chain: a function of (*operands, out=array), and the indices of its arrays."""

    kernel: Callable
    inputs: tuple[int, ...]
    out: int


@dataclass(frozen=True)
class Chain:
    """A chain of element-wise operators. Arrays are numbered: operands, then results, then scratch arrays."""

    shape: tuple[int, ...]
    operands: int
    results: int
    scratch: tuple[np.dtype, ...]
    instructions: tuple[Instruction, ...]
    width: int  # bytes of one element, summed over all arrays of the chain

    @property
    def block(self) -> int:
        """Return the number of elements in a block."""
        return max(LEAST, BUDGET // max(1, self.width))

    def scratch_bytes(self, threads: int) -> int:
        """Return the bytes of scratch memory for all threads."""
        size = math.prod(self.shape)
        threads = threads if size >= APART else 1
        return min(self.block, size) * sum(dtype.itemsize for dtype in self.scratch) * threads

    def run(self, operands: Sequence[np.ndarray], results: Sequence[np.ndarray]) -> None:
        """Compute all results."""
        shape, arrays = merged_axes([*operands, *results], self.shape)
        if math.prod(shape) == 0:
            return
        blocks = list(block_slices(shape, self.block))
        threads = workers.count if math.prod(shape) >= APART else 1
        waiting = iter(blocks)  # shared by the threads: a list's iterator yields each block once
        workers.run(lambda: self._some(waiting, arrays, blocks), min(threads, len(blocks)))

    def _some(self, waiting: Iterator[tuple], arrays: list[np.ndarray], blocks: list[tuple]) -> None:
        whole = self._fresh(np.broadcast_shapes(*(a[blocks[0]].shape if a.ndim else () for a in arrays)))
        with np.errstate(all="ignore"):
            for index in waiting:
                cells = [a[index] if a.ndim else a for a in arrays]
                shape = cells[self.operands].shape
                scratch = whole if not whole or whole[0].shape == shape else self._part(whole, shape)
                cells += scratch
                for i in self.instructions:
                    i.kernel(*[cells[k] for k in i.inputs], out=cells[i.out])

    def _fresh(self, shape: tuple[int, ...]) -> list[np.ndarray]:
        return [np.empty(shape, dtype) for dtype in self.scratch]

    def _part(self, whole: list[np.ndarray], shape: tuple[int, ...]) -> list[np.ndarray]:
        return [w.reshape(-1)[: math.prod(shape)].reshape(shape) for w in whole]


def merged_axes(arrays: Sequence[np.ndarray], shape: tuple[int, ...]) -> tuple[tuple[int, ...], list[np.ndarray]]:
    """Return the arrays broadcast to one shape, with adjacent axes merged where the strides of all allow it.

    Arrays with one element become 0-dimensional. Contiguous arrays of any shape become one-dimensional.
    """
    single = math.prod(shape) == 1
    wide = [
        None if a.size == 1 and not single else a if a.shape == shape else np.broadcast_to(a, shape) for a in arrays
    ]
    views = [v for v in wide if v is not None]
    kept = [i for i, n in enumerate(shape) if n != 1] or list(range(len(shape)))[:1]
    runs: list[list[int]] = []
    for axis in kept:
        before = runs[-1][-1] if runs else None
        if before is not None and all(v.strides[before] == v.strides[axis] * shape[axis] for v in views):
            runs[-1].append(axis)
        else:
            runs.append([axis])
    new = tuple(math.prod(shape[a] for a in run) for run in runs)
    if new == shape:
        return new, [a.reshape(()) if v is None else v for a, v in zip(arrays, wide, strict=True)]
    strides = [None if v is None else tuple(v.strides[run[-1]] for run in runs) for v in wide]
    return new, [
        a.reshape(()) if v is None else as_strided(v, new, s, writeable=v.flags.writeable)
        for a, v, s in zip(arrays, wide, strides, strict=True)
    ]


def block_slices(shape: tuple[int, ...], most: int) -> Iterator[tuple]:
    """Yield indices of disjoint blocks that cover a shape, each of at most `most` elements."""
    inner = 1
    axis = len(shape)
    while axis > 0 and inner * shape[axis - 1] <= most:
        axis -= 1
        inner *= shape[axis]
    if axis == 0:
        yield (...,)
        return
    step = max(1, most // inner)
    for outer in itertools.product(*(range(n) for n in shape[: axis - 1])):
        for start in range(0, shape[axis - 1], step):
            yield (*outer, slice(start, start + step))
