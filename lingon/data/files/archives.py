"""Members of archives, read into memory one by one under limits; nothing is written to paths given by an archive."""

import bz2
import contextlib
import gzip
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from lingon.core.errors import DataError

MOST_MEMBERS = 50_000
MOST_BYTES = 1 << 29  # of all members together, decompressed
MOST_RATIO = 100  # maximum compression ratio; text has 3 to 30, a decompression bomb 1,000


def read_members(
    path: Path, wanted: str, inner: str | None = None, links_elsewhere: bool = False
) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a zip, wheel, tar, tgz or deb whose full name matches the pattern `wanted`, in archive order.

    inner: `wanted` is an archive inside the archive, whose members that match `inner` are yielded.
    links_elsewhere: other members of a tar may be links, which are skipped.
    Raises DataError for names that lead out of the archive, links, devices, duplicate names, too many members, too many
    bytes, and too high a compression ratio, before that much memory is allocated. In a deb, where links are common,
    only wanted members must not be links; others are skipped.
    """
    path = Path(path)
    with open(path, "rb") as file:
        found = _read(file, str(path), path.stat().st_size, re.compile(wanted), links_elsewhere)
        if inner is None:
            yield from found
            return
        for name, data in found:
            yield from _read(io.BytesIO(data), f"{path}:{name}", len(data), re.compile(inner))


def decompress(data: bytes, name: str) -> bytes:
    """Return gzip, bzip2, xz or zstd data decompressed, under the same limits; other data unchanged."""
    with _named(name):
        return ExtractionLimits(name, len(data)).read_member(_unpacked(io.BytesIO(data)))


def _read(
    file: IO[bytes], name: str, size: int, wanted: re.Pattern, links: bool = False
) -> Iterator[tuple[str, bytes]]:
    start = file.read(8)
    file.seek(0)
    with _named(name):
        if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            yield from _zip(file, wanted, ExtractionLimits(name, size))
        elif start == b"!<arch>\n":
            yield from _deb(file, wanted, ExtractionLimits(name, size))
        else:
            yield from _tar(file, wanted, ExtractionLimits(name, size), links)


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    """Convert the errors that libraries raise for a broken archive into a DataError with its name."""
    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        raise DataError(f"{name}: a broken archive ({error})") from None
    except (NotImplementedError, RuntimeError, ValueError) as error:  # encrypted, unknown method, bad header
        if isinstance(error, DataError):
            raise
        raise DataError(f"{name}: an archive that cannot be read ({error})") from None


class ExtractionLimits:
    """Tracks what has been read from an archive, to enforce the limits."""

    def __init__(self, archive: str, size: int):
        self.archive, self.size, self.read = archive, size, 0
        self.names: set[str] = set()

    def check_name(self, name: str) -> None:
        """Count a member. Raises DataError for a name that is not a plain path inside the archive."""
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ".." in parts or "\0" in name or re.match(r"^[A-Za-z]:", name):
            raise DataError(f"{self.archive}: member {name[:80]!r} points outside the archive")
        plain = "/".join(p for p in parts if p not in ("", "."))
        if plain in self.names:
            raise DataError(f"{self.archive}: member {name[:80]!r} occurs twice")
        self.names.add(plain)
        if len(self.names) > MOST_MEMBERS:
            raise DataError(f"{self.archive}: more than {MOST_MEMBERS:,} members")

    def read_member(self, file: IO[bytes]) -> bytes:
        """Return the content of a member, within the limits."""
        pieces = []
        while piece := file.read(1 << 20):
            self.add_bytes(len(piece))
            pieces.append(piece)
        return b"".join(pieces)

    def add_bytes(self, count: int) -> None:
        """Count decompressed bytes."""
        self.read += count
        self.check_size(0)

    def check_size(self, promised: int) -> None:
        """Raise DataError if the declared size of a member would exceed the limits."""
        if self.read + promised > MOST_BYTES:
            raise DataError(f"{self.archive}: more than {MOST_BYTES:,} bytes when unpacked")
        if self.read + promised > MOST_RATIO * max(self.size, 1 << 14):
            raise DataError(f"{self.archive}: grows more than {MOST_RATIO}-fold when unpacked; refused as a bomb")


class LimitedStream(io.RawIOBase):
    """A stream whose bytes count towards the limits, so that skipped members of a bomb count too."""

    def __init__(self, file: IO[bytes], limits: ExtractionLimits):
        self.file, self.limits = file, limits

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        data = self.file.read(len(buffer))
        self.limits.add_bytes(len(data))
        buffer[: len(data)] = data
        return len(data)


def _zip(file: IO[bytes], wanted: re.Pattern, limits: ExtractionLimits) -> Iterator[tuple[str, bytes]]:
    _check_count(file, limits)
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        for entry in entries:
            limits.check_name(entry.filename)
            if (entry.external_attr >> 16) & 0o170000 not in (0, 0o100000, 0o040000):
                raise DataError(f"{limits.archive}: member {entry.filename[:80]!r} is a link or a device")
        for entry in entries:
            if not entry.is_dir() and wanted.fullmatch(entry.filename):
                limits.check_size(entry.file_size)
                with archive.open(entry) as member:
                    yield entry.filename, limits.read_member(member)


def _check_count(file: IO[bytes], limits: ExtractionLimits) -> None:
    """Raise DataError for a zip with too many entries by its end record, before Python creates an object for each."""
    file.seek(max(0, limits.size - (1 << 16) - 22))
    tail = file.read()
    file.seek(0)
    end = tail.rfind(b"PK\x05\x06")
    directory = int.from_bytes(tail[end + 12 : end + 16], "little") if end >= 0 else 0
    if directory > MOST_MEMBERS * 100:  # bytes: 46 and the name for each member
        raise DataError(f"{limits.archive}: more than {MOST_MEMBERS:,} members")


def _tar(
    file: IO[bytes], wanted: re.Pattern, limits: ExtractionLimits, links: bool = False
) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=LimitedStream(_unpacked(file), limits), mode="r|") as archive:
        while entry := archive.next():
            archive.members.clear()  # type: ignore[attr-defined]  # else it keeps all of a million headers
            name = entry.name.removeprefix("./")
            if name in (".", ""):
                continue
            limits.check_name(name)
            # A sparse file may have 10 GB of zeros in a few bytes, which would not count as bytes read.
            plain = (entry.isreg() and not entry.issparse()) or entry.isdir()
            if not plain and not (links and not wanted.fullmatch(name)):
                raise DataError(f"{limits.archive}: member {name[:80]!r} is a link, a device or a file with holes")
            if plain and entry.isreg() and wanted.fullmatch(name):
                limits.check_size(entry.size)
                member = archive.extractfile(entry)
                assert member is not None, "a regular file has content"
                yield name, member.read()


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    start = file.read(6)
    file.seek(0)
    openers: dict[bytes, Callable[[Any], Any]] = {
        b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
        b"BZh": bz2.BZ2File,
        b"\xfd7zXZ\x00": lzma.LZMAFile,
        b"\x28\xb5\x2f\xfd": _zstd,
    }
    return next((opener(file) for magic, opener in openers.items() if start.startswith(magic)), file)


def _zstd(file: IO[bytes]) -> IO[bytes]:
    import pyarrow as pa

    return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")


def _deb(file: IO[bytes], wanted: re.Pattern, limits: ExtractionLimits) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a Debian package: an ar archive with a data.tar inside."""
    file.seek(8)
    while header := file.read(60):
        if len(header) < 60 or header[58:] != b"`\n":
            raise DataError(f"{limits.archive}: a broken archive (not a Debian package)")
        name, size = header[:16].decode("ascii", "replace").strip().rstrip("/"), int(header[48:58])
        if size > limits.size:
            raise DataError(f"{limits.archive}: a broken archive (member {name!r} is larger than the file)")
        if name.startswith("data.tar"):
            yield from _tar(io.BytesIO(file.read(size)), wanted, limits, links=True)
            return
        file.seek(size + size % 2, 1)
