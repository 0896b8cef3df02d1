"""Reads the lines of a user's file: compressed or not, in any encoding, with any line ends, and safe against bombs."""

import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

from lingon.core.errors import DataError, UserError, suggest, unknown
from lingon.data.files.archives import MOST_RATIO

MOST_LINE = 64 << 20  # bytes; more is not a line of text
MOST_FILE = 4 << 30  # bytes of a decompressed file that has to be in memory as a whole
GRACE = 2 << 20  # decompressed bytes up to which the compression ratio is not checked
BUFFER = 1 << 16
PACKED: dict[str, Callable[[IO[bytes]], Any]] = {
    ".gz": lambda file: gzip.GzipFile(fileobj=file),
    ".xz": lzma.LZMAFile,
}
BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError)
QUOTING = ("auto", "minimal", "none")
OnBadRow = Literal["stop", "skip"]  # for a row that cannot be read: raise an error, or leave it out and report it


@dataclass(frozen=True)
class FileOptions:
    """Options for reading a user's files.

    encoding: its name in Python. quoting: the meaning of a quote at the start of a cell of csv and tsv: "minimal", the
    cell extends to the next single quote; "none", it is an ordinary character; "auto", detected from the file.
    """

    encoding: str = "utf-8"
    quoting: str = "auto"

    def __post_init__(self):
        if self.quoting not in QUOTING:
            raise unknown("value of --quoting", self.quoting, QUOTING)
        try:
            "".encode(self.encoding)
        except (LookupError, ValueError):
            known = ("utf-8", "utf-16", "cp1252", "latin-1", "cp1251", "shift_jis", "gb18030", "big5", "euc-kr")
            raise UserError(
                f"--encoding {self.encoding[:40]!r} is not an encoding; {suggest(self.encoding, known)}"
            ) from None

    @property
    def given(self) -> bool:
        """Return whether anything differs from the defaults."""
        return (self.encoding, self.quoting) != (FileOptions.encoding, FileOptions.quoting)


class TextLine(NamedTuple):
    """A line of a file, its number from 1, and what is wrong with it, if anything."""

    number: int
    text: str
    problem: str = ""


def is_compressed(path: Path) -> bool:
    """Return whether a file is compressed, by its name."""
    return path.suffix.lower() in PACKED


def open_utf8(path: Path, encoding: str = "utf-8") -> io.BufferedReader:
    """Open a file for reading as UTF-8, decompressed if its name ends in .gz or .xz; it can be sought forwards.

    Raises DataError while reading if compressed data grows more than text can, or is not in the encoding.
    """
    file: Any = open(path, "rb")
    if is_compressed(path):
        file = io.BufferedReader(_Unpacked(path, file), BUFFER)
    if codecs.lookup(encoding).name != "utf-8":
        file = io.BufferedReader(_Recoded(path, file, encoding), BUFFER)
    return file


class _Stream(io.RawIOBase):
    """Bytes converted from those of another file, which can be read and skipped."""

    def __init__(self, path: Path, file: IO[bytes]):
        self.path, self.file, self.at = path, file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Seek forwards, by reading."""
        to = offset if whence == io.SEEK_SET else self.at + offset
        if whence == io.SEEK_END or to < self.at:
            raise io.UnsupportedOperation("only forwards")
        while self.at < to and self.read(min(BUFFER, to - self.at)):
            pass
        return self.at

    def readinto(self, buffer) -> int:
        data = self.more(len(buffer))
        self.at += len(data)
        buffer[: len(data)] = data
        return len(data)

    def more(self, most: int) -> bytes:
        raise NotImplementedError

    def close(self) -> None:
        self.file.close()
        super().close()


class _Unpacked(_Stream):
    """Content of a compressed file, if its ratio is plausible for text: text grows 3- to 30-fold, a bomb 1,000-fold."""

    def __init__(self, path: Path, file: IO[bytes]):
        super().__init__(path, file)
        self.unpacked = PACKED[path.suffix.lower()](file)

    def more(self, most: int) -> bytes:
        data = self.unpacked.read(most)
        grown = self.at + len(data)
        if grown > GRACE and grown > MOST_RATIO * self.file.tell():
            raise DataError(
                f"{self.path}: grows more than {MOST_RATIO}-fold when unpacked; refused as a bomb; "
                "if it is what you want, unpack it and give the unpacked file"
            )
        return data


class _Recoded(_Stream):
    """A file in another encoding, converted to UTF-8."""

    def __init__(self, path: Path, file: IO[bytes], encoding: str):
        super().__init__(path, file)
        self.encoding, self.line, self.made, self.ended = encoding, 1, b"", False
        self.decoder = codecs.getincrementaldecoder(encoding)()

    def more(self, most: int) -> bytes:
        while not self.made and not self.ended:
            data = self.file.read(BUFFER)
            self.ended = not data
            text = self._decoded(data)
            self.line += text.count("\n")
            self.made = text.encode("utf-8", "replace")
        out, self.made = self.made[:most], self.made[most:]
        return out

    def _decoded(self, data: bytes) -> str:
        try:
            return self.decoder.decode(data, final=not data)
        except UnicodeError as error:
            right = error.object[: error.start] if isinstance(error, UnicodeDecodeError) else b""
            line = self.line + right.decode(self.encoding, "ignore").count("\n")
            raise DataError(f"{self.path}:{line}: not {self.encoding}; give the right --encoding") from None


class _OldMac(_Stream):
    """A file whose lines end with a carriage return alone, with line feeds instead."""

    def more(self, most: int) -> bytes:
        return self.file.read(most).replace(b"\r", b"\n")


def read_lines(path: Path, encoding: str = "utf-8") -> Iterator[TextLine]:
    """Read the lines of a file, with their ends, which are \\n, \\r\\n, or (of an old Macintosh) \\r alone.

    Raises DataError with path and line for a file that is truncated or damaged, or that is not text from its start.
    """
    with open_utf8(path, encoding) as file:
        try:
            start = file.peek(BUFFER)
        except BROKEN as error:
            raise DataError(f"{path}:1: truncated or damaged ({error})") from None
        if b"\r" in start[:-1] and b"\n" not in start:
            file = io.BufferedReader(_OldMac(path, file), BUFFER)
        yield from decode_lines(str(path), file)


def decode_lines(name: str, file: IO[bytes]) -> Iterator[TextLine]:
    """Decode the lines of an open file of UTF-8. name: what messages call it."""
    number = 0
    while line := _next(f"{name}:{number + 1}", file):
        number += 1
        text, problem = _decoded(_start(name, line) if number == 1 else line)
        yield TextLine(number, text, problem)


def _next(here: str, file: IO[bytes]) -> bytes:
    try:
        line = file.readline(MOST_LINE + 1)
    except BROKEN as error:
        raise DataError(f"{here}: truncated or damaged ({error})") from None
    if len(line) > MOST_LINE:
        raise DataError(f"{here}: a line of more than {MOST_LINE:,} bytes; is this a file of lines?")
    return line


def _decoded(line: bytes) -> tuple[str, str]:
    problem = "not text (it holds NUL bytes)" if b"\0" in line else ""
    try:
        return line.decode(), problem
    except UnicodeDecodeError as error:
        place = f"byte 0x{line[error.start]:02x}, place {error.start + 1}"
        return line.decode(errors="replace"), f"not UTF-8 ({place}); {OTHER}"


OTHER = "save the file as UTF-8, or name its encoding, as --encoding cp1252 or gb18030"


def _start(name: str, data: bytes) -> bytes:
    """Return the beginning of a text without its byte-order mark. Raises DataError if it is not UTF-8 text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{name}:1: UTF-16 text; save the file as UTF-8, or give --encoding utf-16")
    if b"\0" in data[: 1 << 16]:
        raise DataError(f"{name}:1: not a text file (it holds NUL bytes)")
    return data.removeprefix(b"\xef\xbb\xbf")


def read_decompressed(path: Path) -> bytes:
    """Read all bytes of a file, decompressed. Raises DataError if it is broken or larger than MOST_FILE."""
    return _whole(path, "utf-8")


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """Read all of a file as text. Raises DataError with the line that is not text."""
    data = _whole(path, encoding)
    try:
        return _start(str(path), data).decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}:{line}: not UTF-8 (byte 0x{data[error.start]:02x}); {OTHER}") from None


def _whole(path: Path, encoding: str) -> bytes:
    try:
        with open_utf8(path, encoding) as file:
            data = file.read(MOST_FILE + 1)
    except BROKEN as error:
        raise DataError(f"{path}: truncated or damaged ({error})") from None
    if len(data) > MOST_FILE:
        raise DataError(f"{path}: more than {MOST_FILE:,} bytes; split it")
    return data
