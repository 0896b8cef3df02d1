"""Lingon's own file of word vectors: safetensors, opened as a map, so that no size of it takes time to open.

Tensors: `vectors` F32 [V, D]; `words` U8, the words in UTF-8 with a new line between them; and where there are parts
of words, `subwords` F32 [buckets, D] with the lengths of their n-grams in the metadata.
"""

import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError
from lingon.core.files import atomic_write, open_regular
from lingon.word_vectors.files.loaded import JoinedWords, Loaded
from lingon.word_vectors.files.subwords import Subwords

LIMIT = 1 << 20  # bytes of the head
FORMAT = "lingon-vectors"
TYPES: dict[str, np.dtype] = {"F32": np.dtype("<f4"), "U8": np.dtype("u1")}


def is_own(start: bytes) -> bool:
    """Return whether a file with these first bytes is of safetensors."""
    return len(start) > 8 and start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 100 << 20


def open_own(path: Path) -> Loaded:
    """Open a file; numbers and words are read when they are asked for. Raises DataError when its head does not fit."""
    path = Path(path)
    head, begin = _head(path)
    size = path.stat().st_size - begin
    if "vectors" not in head or "words" not in head:
        raise DataError(f"{path}: tensors {', '.join(head) or 'none'}; expected vectors and words")
    vectors = _tensor(path, head, "vectors", "F32", 2, begin, size)
    text = _tensor(path, head, "words", "U8", 1, begin, size)
    count = int(np.count_nonzero(text == ord("\n"))) + 1 if len(vectors) else 0
    if count != len(vectors):
        raise DataError(f"{path}: {counted(count, 'word')} for {counted(len(vectors), 'vector')}")
    try:
        words = JoinedWords(text.tobytes().decode(), count)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: its words are not UTF-8 text (byte {error.start})") from None
    return Loaded(words, vectors, _subwords(path, head, begin, size, vectors.shape[1]))


def save_own(path: Path, words: list[str], table: np.ndarray, subwords: Subwords | None = None) -> None:
    """Write a file, atomically. Raises UserError for a word that holds a new line."""
    bad = next((word for word in words if "\n" in word), None)
    if bad is not None:
        raise UserError(f"the word {bad[:40]!r} holds a new line, which divides the words of this format")
    text = np.frombuffer("\n".join(words).encode(), np.uint8)
    parts: dict[str, np.ndarray] = {"vectors": table, "words": text} | (
        {"subwords": subwords.table} if subwords else {}
    )
    more = {"format": FORMAT, "version": "1"}
    if subwords:
        more |= {"shortest": str(subwords.shortest), "longest": str(subwords.longest)}
    head: dict[str, dict[str, Any]] = {"__metadata__": more}
    at = 0
    order = sorted(parts, key="words".__eq__)  # bytes last, so that all floats lie at multiples of 4
    for name in order:
        kind = "U8" if name == "words" else "F32"
        end = at + math.prod(parts[name].shape) * TYPES[kind].itemsize
        head[name] = {"dtype": kind, "shape": list(parts[name].shape), "data_offsets": [at, end]}
        at = end
    coded = json.dumps(head).encode()
    coded += b" " * (-len(coded) % 8)
    with atomic_write(Path(path), "wb") as file:
        file.write(struct.pack("<Q", len(coded)) + coded)
        for name in order:
            for start in range(0, len(parts[name]), 1 << 16):
                piece = parts[name][start : start + (1 << 16)]
                file.write(np.ascontiguousarray(piece, TYPES[head[name]["dtype"]]).tobytes())


def _head(path: Path) -> tuple[dict, int]:
    with open_regular(path) as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or length > LIMIT:
            raise DataError(f"{path}: not a safetensors file of word vectors (a head of {length:,} bytes)")
        try:
            head = json.loads(file.read(length))
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}: not a safetensors file ({error})") from None
    if not isinstance(head, dict):
        raise DataError(f"{path}: not a safetensors file (its head is not an object)")
    return head, 8 + length


def _tensor(path: Path, head: dict, name: str, kind: str, axes: int, begin: int, size: int) -> np.ndarray:
    entry = head[name] if isinstance(head[name], dict) else {}
    shape: Any = entry.get("shape")
    place: Any = entry.get("data_offsets")
    good = isinstance(shape, list) and len(shape) == axes and isinstance(place, list) and len(place) == 2
    if not good or entry.get("dtype") != kind or not all(type(n) is int and n >= 0 for n in [*shape, *place]):
        raise DataError(f"{path}: tensor {name!r} is not {kind} with {axes} axes and a place in the file")
    if place[1] - place[0] != math.prod(shape) * TYPES[kind].itemsize or place[1] > size:
        raise DataError(f"{path}: tensor {name!r} of {shape} lies at {place} of {size:,} bytes; is the file complete?")
    if (axes == 2 and not shape[1]) or not math.prod(shape):
        return np.zeros(shape, TYPES[kind])
    return np.memmap(path, TYPES[kind], "r", begin + place[0], tuple(shape))


def _subwords(path: Path, head: dict, begin: int, size: int, width: int) -> Subwords | None:
    if "subwords" not in head:
        return None
    table = _tensor(path, head, "subwords", "F32", 2, begin, size)
    more: Any = head.get("__metadata__")
    try:
        shortest, longest = int(more["shortest"]), int(more["longest"])
    except (KeyError, TypeError, ValueError):
        raise DataError(f"{path}: no lengths of n-grams in its metadata") from None
    if table.shape[1] != width or not len(table) or not 1 <= shortest <= longest <= 100:
        raise DataError(f"{path}: subwords {list(table.shape)} of {shortest} to {longest} letters do not fit")
    return Subwords(table, shortest, longest)
