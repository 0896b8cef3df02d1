"""The text of a file of any size, in pieces, between two positions in its UTF-8 bytes."""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from lingon.core.errors import DataError
from lingon.data.files.lines import BROKEN, OTHER, is_compressed, open_utf8

PIECE = 1 << 20  # characters in memory at a time, plus up to a line
LONGEST_LINE = 16 << 20  # bytes; a longer one is read in pieces


def utf8_size(path: Path, encoding: str) -> int:
    """Return the size of a file in bytes as UTF-8, decompressed."""
    if not is_compressed(path) and codecs.lookup(encoding).name == "utf-8":
        return path.stat().st_size
    with open_decompressed(path, encoding) as file:
        return sum(map(len, iter(lambda: file.read(PIECE), b"")))


def _lines_before(path: Path, stop: int, encoding: str) -> int:
    """Return the number of lines that start before a position."""
    with open_decompressed(path, encoding) as file:
        count, left = 0, stop
        while left > 0 and (line := file.readline(min(PIECE, left))):
            count += line.endswith(b"\n") or len(line) == left
            left -= len(line)
    return count


def read_pieces(path: Path, start: int, stop: int, encoding: str) -> Iterator[str]:
    """Yield the text between two positions, in pieces of whole lines, or whole characters of a very long line.

    start, stop: in bytes of the file as UTF-8, decompressed. Raises DataError with the line that is not text.
    """
    with open_decompressed(path, encoding) as file:
        file.seek(start)
        at, rest = start, b""
        while at < stop:
            data = rest + file.read(min(PIECE, stop - at - len(rest)))
            if at + len(data) < stop:
                data += file.readline(min(LONGEST_LINE, stop - at - len(data)))
            if not data:
                return
            data, rest = _whole_characters(data) if at + len(data) < stop else (data, b"")
            try:
                text = data.decode("utf-8-sig" if at == 0 else "utf-8")
            except UnicodeDecodeError as error:
                line = _lines_before(path, at + error.start + 1, encoding)
                raise DataError(f"{path}:{line}: not UTF-8 text (byte {at + error.start:,}); {OTHER}") from None
            at += len(data)
            yield text.replace("\r\n", "\n").replace("\r", "\n")


def _whole_characters(data: bytes) -> tuple[bytes, bytes]:
    """Return the whole characters of data, and the incomplete one at its end."""
    begun = next((i for i in range(1, min(4, len(data)) + 1) if data[-i] & 0xC0 != 0x80), 0)
    if data.endswith(b"\n") or not begun or data[-begun] < 0xC0:
        return data, b""
    return data[:-begun], data[-begun:]


@contextmanager
def open_decompressed(path: Path, encoding: str) -> Iterator[IO[bytes]]:
    """Open a file as UTF-8 bytes, decompressed."""
    try:
        with open_utf8(path, encoding) as file:
            yield file
    except BROKEN as error:
        if not is_compressed(path):
            raise
        raise DataError(f"{path}: cannot be unpacked ({error}); pack it again, or give the text itself") from None
