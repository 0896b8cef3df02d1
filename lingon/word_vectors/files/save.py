"""Writes word vectors in the formats of others, chosen by the ending of the name."""

import contextlib
import gzip
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import UserError, unknown
from lingon.core.files import atomic_write
from lingon.core.progress import track
from lingon.word_vectors.files.lingon_file import save_own
from lingon.word_vectors.files.mapped_bytes import is_number
from lingon.word_vectors.files.open import file_of
from lingon.word_vectors.files.subwords import Subwords

ENDINGS = (".txt", ".vec", ".bin", ".npz", ".safetensors", ".txt.gz", ".vec.gz", ".bin.gz")


def known_suffix(path: Path) -> str:
    """Return the ending that says the format. Raises UserError for another one."""
    path = Path(path)
    ending = next((e for e in sorted(ENDINGS, key=len, reverse=True) if path.name.endswith(e)), None)
    if ending is None:
        raise unknown("ending of a vector file", path.suffix or path.name, ENDINGS)
    return ending


def check_target(path: Path, sources: Sequence[str | Path], overwrite: bool = False) -> None:
    """Raise UserError unless a file can be written here without a loss; to be asked before any work.

    sources: what is read, by name or path; none of them is ever replaced. overwrite: another file may be.
    """
    path = Path(path)
    known_suffix(path)
    same = next((s for s in sources if path.exists() and file_of(s).exists() and path.samefile(file_of(s))), None)
    if same is not None:
        raise UserError(f"{path}: is the input file ({same}); write to another name")
    if path.is_dir():
        raise UserError(f"{path}: a folder; expected the name of a file")
    if path.exists() and not overwrite:
        raise UserError(f"{path}: already exists; write to another name, or replace it with --overwrite")


def save_vector_file(path: Path, words: list[str], table: np.ndarray, subwords: Subwords | None = None) -> None:
    """Write a file, atomically: .txt as GloVe, .vec as word2vec's text with its line of sizes (also fastText's),
    .bin as word2vec's binary, .npz, or .safetensors, which alone keeps the parts of words; all but the last two
    also with .gz. For fastText's own .bin see `save_fasttext`.

    Raises UserError for another ending, and for words that a format cannot hold.
    """
    path, words = Path(path), list(words)
    if len(words) != len(table) or table.ndim != 2:
        raise UserError(
            f"{counted(len(words), 'word')} for a table of {list(table.shape)}; expected [{len(words):,}, D]"
        )
    ending = known_suffix(path)
    plain = ending.removesuffix(".gz")
    if plain == ".safetensors":
        return save_own(path, words, table, subwords)
    if subwords is not None:
        warnings.warn(f"{path}: subword vectors are left out; .safetensors keeps them", stacklevel=2)
    _check(words, plain)
    if plain == ".npz":
        with atomic_write(path, "wb") as file:
            np.savez(file, words=np.array(words, dtype=np.str_), vectors=np.asarray(table, np.float32))
        return None
    with _opened(path, ending.endswith(".gz")) as file, track(len(words), f"writing {path.name}", "words") as bar:
        if plain != ".txt":
            file.write(f"{len(words)} {table.shape[1]}\n".encode())
        for word, row in zip(words, np.asarray(table, np.float32), strict=True):
            # Nine digits give back the same 32 bits.
            end = row.astype("<f4").tobytes() if plain == ".bin" else _digits(row) + b"\n"
            file.write(word.encode() + b" " + end)
            bar.advance()
    return None


def _digits(row: np.ndarray) -> bytes:
    return " ".join([f"{x:.9g}" for x in row.tolist()]).encode()


def _check(words: list[str], ending: str) -> None:
    bad = next((word for word in words if _unfit(word, ending)), None)
    if bad is not None:
        raise UserError(f"the word {bad[:40]!r} cannot be written to a {ending} file; use .safetensors")


def _unfit(word: str, ending: str) -> bool:
    """Whether a word would come back as another one, or as none."""
    if not word or "\n" in word:
        return True
    if ending == ".bin":
        return " " in word
    if ending == ".npz":
        return word.endswith("\0")  # NumPy fills its texts up with these
    return "\r" in word or word.startswith("\ufeff") or any(map(is_number, word.split(" ")[1:]))


@contextlib.contextmanager
def _opened(path: Path, packed: bool) -> Iterator[Any]:
    with atomic_write(path, "wb") as file:
        if not packed:
            yield file
            return
        with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as inner:
            yield inner
