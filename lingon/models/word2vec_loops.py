"""The loop of `word2vec` made ready for tables of some width: a library where one can be made, else compiled here."""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from lingon.core.ahead import call, library, write_library
from lingon.models.word_tables import Draws, Parts, Room, Scheme, Tree

Loop = Callable[..., tuple[float, int, int]]
FOLDERS = Path(__file__).parent, Path(__file__).parent.parent / "core"
SOURCES = [
    *(FOLDERS[0] / name for name in ("word2vec.py", "pair_steps.py", "word2vec_loops.py")),
    *(FOLDERS[1] / name for name in ("rows.py", "prefetch.py", "kernel.py")),
]
LINE = 16  # columns: that of `core.rows`, which is not read without the compiler


@cache
def loop_for(width: int) -> Loop:
    """`word2vec.train` for tables [rows, width], without its last argument; width is a multiple of LINE.

    The loop raises ValueError when the tables are not as wide, or not of the types that it was compiled for.
    """
    if width % LINE:
        raise ValueError(f"tables of {width} columns; expected a multiple of {LINE}")
    function = library(__name__, width, SOURCES)
    train = _compiled_here(width) if function is None else _of_library(function)

    def checked(ids, inputs, outputs, draws: Draws, tree: Tree, parts: Parts, scheme: Scheme, room: Room, lr, seed):
        if not (inputs.shape[1] == outputs.shape[1] == room.rows.shape[1] == width):
            widths = inputs.shape[1], outputs.shape[1], room.rows.shape[1]
            raise ValueError(f"tables are {widths} columns wide; this loop is for {width}")
        arrays = [ids, inputs, outputs, *draws, *tree, *parts, *room[:3]]
        if [array.dtype for array in arrays] != TYPES:
            raise ValueError(f"arrays of {[str(array.dtype) for array in arrays]}; expected {TYPES}")
        return train(ids, inputs, outputs, draws, tree, parts, scheme, room, lr, seed)

    return checked


F, WORD, PLACE = np.dtype(np.float32), np.dtype(np.int32), np.dtype(np.int64)
TYPES = [WORD, F, F, F, F, WORD, PLACE, WORD, F, PLACE, WORD, np.dtype(np.uint64), F, F]


def _compiled_here(width: int) -> Loop:
    from lingon.models.word2vec import train

    return lambda *given: train(*given[:-1], np.uint64(given[-1]), (0,) * (width // LINE))


def _of_library(function: Callable) -> Loop:
    def train(ids, inputs, outputs, draws, tree, parts, scheme, room, lr, seed):
        arrays = [ids, inputs, outputs, *draws, *tree, *parts, *room[:3]]
        sizes = [*map(len, arrays), *map(int, scheme), room.targets, room.ring, int(seed)]
        loss, pairs, words = call(function, arrays, sizes, [float(lr), 0.0, 0.0])
        return loss, int(pairs), int(words)

    return train


def _entry(width: int) -> Callable:
    """`word2vec.train` behind three pointers; arrays and sizes are in the order of `_of_library`."""
    from numba import carray

    from lingon.models.word2vec import train

    lines = (0,) * (width // LINE)

    def entry(places, sizes, numbers):
        ids = carray(places[0], (sizes[0],), np.int32)
        inputs = carray(places[1], (sizes[1], width), np.float32)
        outputs = carray(places[2], (sizes[2], width), np.float32)
        keep, prob = carray(places[3], (sizes[3],), np.float32), carray(places[4], (sizes[4],), np.float32)
        draws = Draws(keep, prob, carray(places[5], (sizes[5],), np.int32))
        nodes, left = carray(places[7], (sizes[7],), np.int32), carray(places[8], (sizes[8],), np.float32)
        tree = Tree(carray(places[6], (sizes[6],), np.int64), nodes, left)
        parts = Parts(carray(places[9], (sizes[9],), np.int64), carray(places[10], (sizes[10],), np.int32))
        words, scores = carray(places[11], (sizes[11],), np.uint64), carray(places[12], (sizes[12],), np.float32)
        room = Room(words, scores, carray(places[13], (sizes[13], width), np.float32), sizes[17], sizes[18])
        scheme, seed = Scheme(sizes[14], sizes[15], sizes[16] != 0), np.uint64(sizes[19])
        numbers[0], numbers[1], numbers[2] = train(
            ids, inputs, outputs, draws, tree, parts, scheme, room, numbers[0], seed, lines
        )

    return entry


if __name__ == "__main__":
    write_library(_entry(int(sys.argv[1])), Path(sys.argv[2]))
