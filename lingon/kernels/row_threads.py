"""Compiled loops over rows, on as many threads as PyTorch uses; idle threads sleep."""

import functools
import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

WORTH = 1 << 14  # steps of a loop below which waking a thread takes longer than it saves


def over_rows(loop: Callable[..., None], arrays: Sequence[np.ndarray], each: int) -> None:
    """Call a loop that releases the GIL on slices of the arrays, in several threads; the arrays have equally many rows.

    each: approximate number of steps per row.
    """
    rows = len(arrays[0])
    parts = max(1, min(torch.get_num_threads(), rows * each // WORTH, rows))
    if parts == 1:
        loop(*arrays)
        return
    bounds = [part * rows // parts for part in range(parts + 1)]
    slices = [[array[a:b] for array in arrays] for a, b in itertools.pairwise(bounds)]
    others = [_threads(parts - 1).submit(loop, *some) for some in slices[1:]]
    loop(*slices[0])
    for other in others:
        other.result()


@functools.cache
def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, "lingon-rows")
