"""How often words stand near each other, counted in bounded memory: sorted runs on the disk, merged piece by piece."""

import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lingon.core.files import atomic_write
from lingon.core.progress import track
from lingon.data.word_id_file import read_ids
from lingon.kernels.jit import kernel

PIECE = 1 << 20  # word numbers read in one go
PAIRS = np.dtype([("key", "<i8"), ("value", "<f4")])


class Pairs(NamedTuple):
    """Maps of files: words rows[k] and cols[k] were counted values[k] times, each pair once."""

    rows: np.ndarray  # int32 [N]
    cols: np.ndarray  # int32 [N]
    values: np.ndarray  # float32 [N]


def count_pairs(ids: Path, length: int, words: int, window: int, folder: Path, most: int = 1 << 24) -> Pairs:
    """Count all pairs of a file of word numbers, each 1 / distance, both ways; writes them to `folder`.

    length: numbers in the file. words: V. most: pairs in memory at a time, 24 bytes each.
    """
    with tempfile.TemporaryDirectory(dir=folder) as place:
        runs = _runs(ids, length, words, window, Path(place), max(most, 4 * window))
        merged = folder / "pairs.bin"
        with atomic_write(merged, "wb") as file:
            for keys, values in _merged(runs, most):
                _joined(keys, values).tofile(file)
    found = np.memmap(merged, PAIRS, "r") if merged.stat().st_size else np.zeros(0, PAIRS)
    files = {"rows": np.int32, "cols": np.int32, "values": np.float32}
    for name, kind in files.items():
        with atomic_write(folder / f"{name}.bin", "wb") as file:
            for begin in range(0, len(found), PIECE):
                some = found[begin : begin + PIECE]
                column = {"rows": some["key"] // words, "cols": some["key"] % words, "values": some["value"]}[name]
                column.astype(kind).tofile(file)
    count = len(found)
    del found
    merged.unlink()
    maps = [np.memmap(folder / f"{n}.bin", kind, "r") if count else np.zeros(0, kind) for n, kind in files.items()]
    return Pairs(*maps)


def _runs(ids: Path, length: int, words: int, window: int, place: Path, most: int) -> list[np.ndarray]:
    keys, values, used = np.empty(most, np.int64), np.empty(most, np.float32), 0
    runs: list[np.ndarray] = []

    def put_away() -> None:
        path = place / f"{len(runs)}.run"
        _joined(*_summed(keys[:used], values[:used])).tofile(path)
        runs.append(np.memmap(path, PAIRS, "r"))

    tail = np.zeros(0, np.int32)
    with track(length, "counting pairs", "words") as bar:
        for start in range(0, length, PIECE):
            piece = read_ids(ids, start, min(PIECE, length - start))
            both, at = np.concatenate([tail, piece]), len(tail)
            while at < len(both):
                at, used = _count(both, at, words, window, keys, values, used)
                if at < len(both):
                    put_away()
                    used = 0
            tail = both[-window:]
            bar.advance(len(piece))
    if used:
        put_away()
    return runs


@kernel
def _count(ids, at, words, window, keys, values, used):
    """Pairs of each word with those before it in its line, until there is no room; where it stopped, and the count."""
    while at < len(ids) and used + 2 * window <= len(keys):
        if ids[at] >= 0:
            d = 1
            while d <= window and at - d >= 0 and ids[at - d] >= 0:
                a, b, share = np.int64(ids[at]), np.int64(ids[at - d]), np.float32(1.0 / d)
                keys[used], keys[used + 1] = a * words + b, b * words + a
                values[used], values[used + 1] = share, share
                used += 2
                d += 1
        at += 1
    return at, used


def _merged(runs: list[np.ndarray], most: int):
    """Sorted pairs, each once, of all runs, about `most` at a time: the same span of keys of every run."""
    at = [0] * len(runs)
    share = max(1, most // max(1, len(runs)))
    while any(a < len(run) for a, run in zip(at, runs, strict=True)):
        # No run is read beyond the smallest key that ends a full share of it.
        limit = min(
            int(run["key"][min(a + share, len(run)) - 1]) for a, run in zip(at, runs, strict=True) if a < len(run)
        )
        keys, values = [], []
        for i, run in enumerate(runs):
            some = run[at[i] : at[i] + share]
            end = int(np.searchsorted(some["key"], limit, "right"))
            keys.append(some["key"][:end])
            values.append(some["value"][:end])
            at[i] += end
        yield _summed(np.concatenate(keys), np.concatenate(values))


def _summed(keys: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.zeros(0, np.int64)
    sums = np.add.reduceat(values[order], first, dtype=np.float64) if len(keys) else values
    return keys[first], sums.astype(np.float32)


def _joined(keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    found = np.empty(len(keys), PAIRS)
    found["key"], found["value"] = keys, values
    return found
