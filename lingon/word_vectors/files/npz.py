"""Word vectors as NumPy's .npz: an array of words and one of vectors, never an object that could run."""

import zipfile
from pathlib import Path

import numpy as np
from numpy.lib import format as layout

from lingon.core.counted import counted
from lingon.core.errors import DataError
from lingon.word_vectors.files.loaded import Loaded, without_repeats
from lingon.word_vectors.files.mapped_bytes import MOST_RATIO, check_finite

WORDS, VECTORS = ("words", "vocab", "tokens"), ("vectors", "table", "embeddings")


def read_npz(path: Path) -> Loaded:
    """words (text, or bytes of UTF-8) and vectors [V, D]. Raises DataError for other arrays, and for sizes that lie."""
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
            words, vectors = (_of(path, archive, arrays, names) for names in (WORDS, VECTORS))
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: not a complete .npz file ({error})") from None
    if words.ndim != 1 or words.dtype.kind not in "US" or vectors.ndim != 2 or vectors.dtype.kind != "f":
        raise DataError(
            f"{path}: words are {words.dtype} {list(words.shape)}, vectors {vectors.dtype} {list(vectors.shape)}; "
            "expected text [V] and floating point [V, D]"
        )
    if len(words) != len(vectors):
        raise DataError(f"{path}: {counted(len(words), 'word')} for {counted(len(vectors), 'vector')}")
    try:
        tokens = [w.decode() if isinstance(w, bytes) else w for w in words.tolist()]
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: a word is not UTF-8 text ({error.reason})") from None
    table = np.ascontiguousarray(vectors, np.float32)
    check_finite(path, "vector", table)
    return Loaded(*without_repeats(path, tokens, table))


def _of(path: Path, archive: zipfile.ZipFile, arrays: dict[str, zipfile.ZipInfo], names: tuple) -> np.ndarray:
    name = next((name for name in names if name in arrays), None)
    if name is None:
        text = next((entry.filename for entry in arrays.values() if entry.filename.endswith((".txt", ".vec"))), None)
        way = f"; unpack it and read {text}" if text else ""
        raise DataError(f"{path}: no array named {' or '.join(names)}; it has {', '.join(arrays) or 'none'}{way}")
    entry = arrays[name]
    if entry.file_size > MOST_RATIO * max(entry.compress_size, 1024):
        raise DataError(f"{path}: {name} grows more than {MOST_RATIO}-fold when unpacked; refused as a bomb")
    with archive.open(entry) as file:
        version = layout.read_magic(file)
        read = {(1, 0): layout.read_array_header_1_0, (2, 0): layout.read_array_header_2_0}.get(version)
        if read is None:
            raise DataError(f"{path}: {name} is of version {version} of NumPy's format; 1 and 2 are read")
        shape, _, kind = read(file)
        if kind.hasobject:
            raise DataError(f"{path}: {name} holds Python objects, which may run code; save text as np.array(words)")
        # Before memory is taken: the head of an array may promise any size.
        if int(np.prod(shape, dtype=object)) * kind.itemsize != entry.file_size - file.tell():
            raise DataError(f"{path}: {name} is not as large as its shape {list(shape)} says")
    with archive.open(entry) as file:
        return layout.read_array(file, allow_pickle=False)
