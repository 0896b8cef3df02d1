"""All bytes of a file at once, mapped or unpacked, with a cap that a bomb runs into before the memory does."""

import gzip
import mmap
import zlib
from pathlib import Path

from lingon.core.errors import DataError

GZIP = b"\x1f\x8b"
MOST_RATIO = 100  # unpacked to packed: numbers gain a factor of 1 to 10, a bomb 1,000


def map_bytes(path: Path) -> memoryview:
    """Return the bytes of a file, without a copy; those of a gzip file unpacked. Raises DataError when it is broken."""
    with open(path, "rb") as file:
        start = file.read(2)
        if not start:
            raise DataError(f"{path}: empty")
        if start != GZIP:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        file.seek(0)
        most = path.stat().st_size * MOST_RATIO
        pieces, size = [], 0
        try:
            with gzip.GzipFile(fileobj=file) as packed:
                while piece := packed.read(1 << 20):
                    size += len(piece)
                    if size > most:
                        raise DataError(f"{path}: grows more than {MOST_RATIO}-fold when unpacked; refused as a bomb")
                    pieces.append(piece)
        except (EOFError, OSError, zlib.error) as error:
            raise DataError(f"{path}: a broken gzip file ({error})") from None
    return memoryview(b"".join(pieces))


def beginning(path: Path, size: int = 1 << 16) -> bytes:
    """Return the first bytes of a file, those of a gzip file unpacked."""
    with open(path, "rb") as file:
        start = file.read(size)
    if not start.startswith(GZIP):
        return start
    try:
        return zlib.decompressobj(31).decompress(start, size)
    except zlib.error as error:
        raise DataError(f"{path}: a broken gzip file ({error})") from None


def check_finite(path: Path, what: str, table) -> None:
    """Raise DataError unless all numbers of a table are finite; it looks at some rows at a time."""
    import numpy as np

    for begin in range(0, len(table), 1 << 16):
        good = np.isfinite(table[begin : begin + (1 << 16)]).all(1)
        if not good.all():
            raise DataError(f"{path}: {what} {begin + int(good.argmin()):,} holds NaN or infinite numbers")


def is_number(text: str) -> bool:
    """Return whether a field of a line is read as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
