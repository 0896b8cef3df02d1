"""Binary files of word2vec: a line with two sizes, then each word, a space, and its numbers as in memory."""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import DataError, unknown
from lingon.word_vectors.files.loaded import Loaded, without_repeats
from lingon.word_vectors.files.mapped_bytes import check_finite, map_bytes

HEADER = re.compile(rb"(\d{1,12}) (\d{1,6})[ \r]*\n")
NUMBER = re.compile(rb"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(nan|inf)", re.IGNORECASE)
PRINTED = bytes([*range(9, 14), *range(32, 127)])
LONGEST = 10_000  # bytes of a word: more means that the file is broken


def is_binary(start: bytes) -> bool:
    """Whether a file with these first bytes is binary: its first vector holds bytes that are not text, and no digits.

    Text may hold such bytes too, in another encoding, but most of what stands between its spaces are numbers.
    """
    header = HEADER.match(start)
    if not header:
        return False
    first = start[header.end() :]
    _, space, rest = first.partition(b" ")
    if not space or not rest[: 4 * int(header[2])].translate(None, PRINTED):
        return False
    fields = rest.split(b"\n")[0].split()
    return 2 * sum(NUMBER.fullmatch(field) is not None for field in fields) < len(fields) + 1


def read_word2vec(path: Path, on_bad_word: str = "stop") -> Loaded:
    """Read a binary file. Raises DataError when it holds less, or more, than its first line declares.

    on_bad_word: stop at a word that is not UTF-8 text and at numbers that are none, or skip them and count.
    """
    if on_bad_word not in ("stop", "skip"):
        raise unknown("way with bad words", on_bad_word, ("stop", "skip"))
    data = map_bytes(path)
    header = HEADER.match(data[:64])
    if not header:
        raise DataError(f"{path}:1: not the sizes 'V D' of word2vec")
    count, width = int(header[1]), int(header[2])
    least = count * (4 * width + 2)  # a word of one letter and a space
    if width < 1 or least > len(data):
        raise DataError(f"{path}: declares {count:,} x {width:,} numbers in {len(data):,} bytes; is the file complete?")
    given, table = _vectors(path, data, header.end(), count, width, on_bad_word == "skip")
    words, table = _good(path, given, table) if on_bad_word == "skip" else (_all_read(given), table)
    check_finite(path, "vector", table)
    return Loaded(*without_repeats(path, words, table))


def _vectors(
    path: Path, data: memoryview, at: int, count: int, width: int, skip: bool
) -> tuple[list[str | None], np.ndarray]:
    """Words, None where one cannot be read and may be skipped, and their vectors."""
    table = np.empty((count, width), np.float32)
    words: list[str | None] = []
    searched: Any = data.obj
    for i in range(count):
        space = searched.find(b" ", at, at + LONGEST)
        if space < 0 or space + 1 + 4 * width > len(data):
            raise DataError(f"{path}: ends inside vector {i:,} of {count:,}, or its words are broken")
        try:
            words.append(bytes(data[at:space]).decode().lstrip("\n"))  # some writers end each vector with a new line
        except UnicodeDecodeError as error:
            if not skip:
                place = f"byte {at + error.start:,} of the file"
                raise DataError(f"{path}: word {i:,} is not UTF-8 text ({place}); it can be skipped") from None
            words.append(None)
        table[i] = np.frombuffer(data, "<f4", width, space + 1)
        at = space + 1 + 4 * width
    if bytes(data[at : at + 2]).strip():
        raise DataError(f"{path}: holds more than the {counted(count, 'vector')} that its first line declares")
    return words, table


def _good(path: Path, words: list[str | None], table: np.ndarray) -> tuple[list[str], np.ndarray]:
    good = np.isfinite(table).all(1) & np.array([word is not None for word in words], bool)
    if not good.all():
        bad = len(words) - int(good.sum())
        warnings.warn(
            f"{path}: {counted(bad, 'bad word')} skipped, the first is number {int(good.argmin()):,}", stacklevel=4
        )
    return _all_read([word for word, kept in zip(words, good, strict=True) if kept]), table[good]


def _all_read(words: list[str | None]) -> list[str]:
    read = [word for word in words if word is not None]
    assert len(read) == len(words), "a word that is not read raises, unless it may be skipped"
    return read
