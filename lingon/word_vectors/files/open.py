"""Opens a file of word vectors of any known format, detected from its first bytes, not its name."""

import re
from pathlib import Path

from lingon.core.errors import DataError, unknown
from lingon.word_vectors.files.fasttext import MAGIC, read_fasttext
from lingon.word_vectors.files.lingon_file import is_own, open_own
from lingon.word_vectors.files.loaded import Loaded
from lingon.word_vectors.files.mapped_bytes import beginning
from lingon.word_vectors.files.npz import read_npz
from lingon.word_vectors.files.word2vec import is_binary, read_word2vec

READERS = {"npz": read_npz, "fasttext": read_fasttext, "safetensors": open_own}
IN_RUN = "vectors.safetensors"  # what a training leaves in the folder of its run
PICKLE = re.compile(rb"\x80[\2-\5][\x95cq}(\]]")  # gensim's own save(), and most things that end in .pkl or .kv
PACKED = {b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
RESAVE = "gensim writes another format with: vectors.save_word2vec_format(path, binary=True)"


def file_of(path: str | Path) -> Path:
    """Return the file itself, or the one in the folder of a run."""
    inside = Path(path) / IN_RUN
    return inside if inside.is_file() else Path(path)


def kind_of(path: Path) -> str:
    """npz, fasttext, safetensors, word2vec (binary) or text. Raises DataError for a folder and for nothing at all."""
    path = Path(path)
    if path.is_dir():
        raise DataError(f"{path}: a folder without {IN_RUN}, not a file of word vectors")
    if not path.exists():
        raise DataError(f"{path}: no such file")
    start = beginning(path)
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "npz"
    if start.startswith(MAGIC.to_bytes(4, "little")):
        return "fasttext"
    if PICKLE.match(start):
        raise DataError(f"{path}: a pickle, which may run code when it is read; {RESAVE}")
    way = next((name for first, name in PACKED.items() if start.startswith(first)), None)
    if way is not None:
        raise DataError(f"{path}: compressed with {way}; only gzip is read, so decompress it first")
    if is_own(start):
        return "safetensors"
    return "word2vec" if is_binary(start) else "text"


def load_vector_file(path: Path, on_bad_line: str = "stop") -> Loaded:
    """Return the words and vectors of a file, or of the run in a folder.

    on_bad_line: stop, or skip lines of text, or words of word2vec's binary form, that cannot be read; a warning
    counts them.

    Raises DataError that names the file, and the line where there are lines.
    """
    from lingon.word_vectors.files.text_format import read_text_format

    if on_bad_line not in ("stop", "skip"):
        raise unknown("way with bad lines", on_bad_line, ("stop", "skip"))
    path = file_of(path)
    kind = kind_of(path)
    if kind == "text":
        return Loaded(*read_text_format(path, on_bad_line=on_bad_line))
    return read_word2vec(path, on_bad_line) if kind == "word2vec" else READERS[kind](path)
