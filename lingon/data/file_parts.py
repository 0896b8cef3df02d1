"""Training, validation and test parts of one large file, which start at a line, a word or a character."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO

from lingon.core.errors import DataError
from lingon.data.corpora.load import PARTS
from lingon.data.files import file_pieces
from lingon.data.files.file_pieces import open_decompressed, read_pieces, utf8_size
from lingon.data.text_division import SHORTEST, TEST, VALID

WORD = 1 << 16  # bytes in which the end of a word is searched


def read_file_part(path: Path, part: str, encoding: str) -> Iterator[str]:
    """Yield the text of a part of a file, "train", "valid", "test" or "all", piece by piece."""
    found = path.stat()
    if part == "all":
        yield from read_pieces(path, 0, utf8_size(path, encoding), encoding)
        return
    cuts = _cuts(path, encoding, found.st_size, found.st_mtime_ns)
    which = PARTS.index(part)
    yield from read_pieces(path, cuts[which], cuts[which + 1], encoding)


@lru_cache(maxsize=256)
def _cuts(path: Path, encoding: str, size: int, changed: int) -> list[int]:
    """Return the starts of the parts, and the end, in decompressed bytes. size, changed: of the file, for the cache."""
    end = utf8_size(path, encoding)
    if end < SHORTEST:
        raise DataError(
            f"{path}: {end} bytes are too few to cut the last twentieth off for the test and the one before it for "
            f"validation; expected {SHORTEST} or more (lingon evaluate takes the whole file with --split all)"
        )
    for start in (_line_start, _word_start, _character_start):
        cuts = [0]
        for share in (1 - TEST - VALID, 1 - TEST):
            with open_decompressed(path, encoding) as file:
                cuts.append(start(file, int(end * share)))
        if cuts[0] < cuts[1] < cuts[2] < end:
            break
    return [*cuts, end]


def _line_start(file: IO[bytes], at: int) -> int:
    """Return the start of the first line after a position."""
    file.seek(at)
    while (piece := file.readline(file_pieces.PIECE)) and not piece.endswith(b"\n"):
        pass
    return file.tell()


def _word_start(file: IO[bytes], at: int) -> int:
    """Return the start of the first word after a position, or of the next character if none is found nearby."""
    file.seek(at)
    data = file.read(WORD)
    return at + data.find(b" ") + 1 if b" " in data else at + _inside_character(data)


def _character_start(file: IO[bytes], at: int) -> int:
    file.seek(at)
    return at + _inside_character(file.read(4))


def _inside_character(data: bytes) -> int:
    """Return the number of bytes at the start that belong to a previous character."""
    return next((i for i, byte in enumerate(data[:4]) if byte & 0xC0 != 0x80), 0)
