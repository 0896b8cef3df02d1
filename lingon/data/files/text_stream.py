"""Streams the lines of a file of any size, compressed or not, without ever having all of it in memory."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from lingon.core.errors import DataError
from lingon.data.files.lines import BROKEN, open_utf8

PIECE = 1 << 16  # maximum characters of a line; longer ones are split at a space
READ = 1 << 20  # characters read in one go


def stream_lines(path: Path, encoding: str = "utf-8") -> Iterator[str]:
    """Yield the lines of a UTF-8 text, perhaps .gz or .xz. Raises DataError with file and line if it is not UTF-8."""
    number = 0
    try:
        with io.TextIOWrapper(open_utf8(path, encoding), "utf-8-sig") as file:
            rest = ""
            while line := file.readline(READ):
                # A very long line, such as a whole file of one line, is yielded in pieces.
                ended = line.endswith("\n")
                number += ended
                *whole, rest = [*split_long_line(rest + line), ""] if ended else [*split_long_line(rest + line)]
                yield from whole
            yield from split_long_line(rest)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: after line {number:,} not UTF-8 text (byte {error.object[error.start]:#04x}); save it as UTF-8"
        ) from None
    except BROKEN as error:
        raise DataError(f"{path}: cannot be read after line {number:,} ({error})") from None


def split_long_line(line: str) -> Iterator[str]:
    """Split a line into pieces of PIECE characters at most, at spaces where there are any."""
    start = 0
    while len(line) - start > PIECE:
        end = line.rfind(" ", start + 1, start + PIECE)
        end = end if end > 0 else start + PIECE
        yield line[start:end]
        start = end
    yield line[start:] if start else line


def group_by_size(texts: Iterable[str], letters: int) -> Iterator[list[str]]:
    """Group texts in order; a group ends as soon as it has `letters` characters in total."""
    some, size = [], 0
    for text in texts:
        some.append(text)
        size += len(text)
        if size >= letters:
            yield some
            some, size = [], 0
    if some:
        yield some
