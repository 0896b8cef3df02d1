"""The loop of `word2vec` made ready for tables of some width: a library where one can be made, else compiled here."""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from lingon.kernels import aot_compile
from lingon.kernels.aot_compile import call_loop, load_loop, write_library
from lingon.word_vectors.train.sampling_tables import Draws, HuffmanTree, Scheme, SubwordTable, Workspace, workspace_for

TrainingLoop = Callable[..., tuple[float, int, int]]
HERE, KERNELS = Path(__file__).parent, Path(aot_compile.__file__).parent
SOURCES = [HERE / name for name in ("word2vec.py", "word2vec_loops.py", "sampling_tables.py")]
SOURCES += [KERNELS / name for name in ("word2vec_step.py", "simd_rows.py", "prefetch.py", "jit.py")]
LINE = 16  # columns: that of `kernels.simd_rows`, which is not read without the compiler
TYPES = {
    "ids": np.int32,
    "inputs": np.float32,
    "outputs": np.float32,
    "keep": np.float32,
    "prob": np.float32,
    "alias": np.int32,
    "starts of the tree": np.int64,
    "nodes": np.int32,
    "left": np.float32,
    "starts of the parts": np.int64,
    "rows of the parts": np.int32,
}


@cache
def loop_for(width: int) -> TrainingLoop:
    """Return loop(ids, inputs, outputs, draws, tree, parts, scheme, lr, seed) for tables [rows, width].

    It is `word2vec.train_lines`. width: a multiple of LINE. Raises ValueError for another one; the loop does for tables
    of another width, and for arrays that are not of the type it was compiled for or do not lie together.
    """
    if width % LINE:
        raise ValueError(f"tables of {width} columns; expected a multiple of {LINE}")
    function = load_loop(__name__, width, SOURCES)
    train = compiled_here(width) if function is None else _of_library(function)

    def loop(
        ids, inputs, outputs, draws: Draws, tree: HuffmanTree, parts: SubwordTable, scheme: Scheme, lr: float, seed: int
    ):
        for (name, kind), array in zip(TYPES.items(), [ids, inputs, outputs, *draws, *tree, *parts], strict=True):
            if array.dtype != kind or not array.flags.c_contiguous:
                raise ValueError(f"{name}: {array.dtype} {list(array.shape)}; expected {kind.__name__} in one piece")
        if not (inputs.shape[1] == outputs.shape[1] == width):
            raise ValueError(f"tables of {inputs.shape[1]} and {outputs.shape[1]} columns; this loop is for {width}")
        workspace = workspace_for(len(ids), width, tree, parts, scheme)
        return train(ids, inputs, outputs, draws, tree, parts, scheme, workspace, lr, seed)

    return loop


def compiled_here(width: int) -> TrainingLoop:
    """Return the loop compiled in this process, which then holds the compiler; it takes a Workspace before lr."""
    from lingon.word_vectors.train.word2vec import train_lines

    return lambda *given: train_lines(*given[:-1], np.uint64(given[-1]), (0,) * (width // LINE))


def _of_library(function: Callable) -> TrainingLoop:
    def train(ids, inputs, outputs, draws, tree, parts, scheme, workspace, lr, seed):
        arrays = [ids, inputs, outputs, *draws, *tree, *parts, workspace.words, workspace.scores, workspace.rows]
        sizes = [*map(len, arrays), *map(int, scheme), workspace.targets, workspace.ring, int(seed)]
        loss, pairs, words = call_loop(function, arrays, sizes, [float(lr), 0.0, 0.0])
        return loss, int(pairs), int(words)

    return train


def _entry(width: int) -> Callable:
    """`word2vec.train_lines` behind three pointers; arrays and sizes are in the order of `_of_library`."""
    from numba import carray

    from lingon.word_vectors.train.word2vec import train_lines

    lines = (0,) * (width // LINE)

    def entry(places, sizes, numbers):
        ids = carray(places[0], (sizes[0],), np.int32)
        inputs = carray(places[1], (sizes[1], width), np.float32)
        outputs = carray(places[2], (sizes[2], width), np.float32)
        keep, prob = carray(places[3], (sizes[3],), np.float32), carray(places[4], (sizes[4],), np.float32)
        draws = Draws(keep, prob, carray(places[5], (sizes[5],), np.int32))
        nodes, left = carray(places[7], (sizes[7],), np.int32), carray(places[8], (sizes[8],), np.float32)
        tree = HuffmanTree(carray(places[6], (sizes[6],), np.int64), nodes, left)
        parts = SubwordTable(carray(places[9], (sizes[9],), np.int64), carray(places[10], (sizes[10],), np.int32))
        words, scores = carray(places[11], (sizes[11],), np.uint64), carray(places[12], (sizes[12],), np.float32)
        workspace = Workspace(words, scores, carray(places[13], (sizes[13], width), np.float32), sizes[17], sizes[18])
        scheme, seed = Scheme(sizes[14], sizes[15], sizes[16] != 0), np.uint64(sizes[19])
        numbers[0], numbers[1], numbers[2] = train_lines(
            ids, inputs, outputs, draws, tree, parts, scheme, workspace, numbers[0], seed, lines
        )

    return entry


if __name__ == "__main__":
    write_library(_entry(int(sys.argv[1])), Path(sys.argv[2]))
