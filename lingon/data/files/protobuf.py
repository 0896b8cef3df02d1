"""Reads messages in the wire format of Protocol Buffers, field by field; the caller interprets the fields."""

from collections.abc import Iterator
from pathlib import Path

from lingon.core.errors import DataError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # kinds of values
LONGEST = 10  # bytes of a number

Value = int | bytes  # a number; or the bytes of a text, of a message or of a float


def protobuf_fields(message: bytes, path: Path) -> Iterator[tuple[int, Value]]:
    """Yield (number, value) of each field of a message, in the order of the file.

    path: named in errors. Raises DataError if the message is truncated or not in this format.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at, path)
        number, kind = key >> 3, key & 7
        value: Value
        if kind == VARINT:
            value, at = _varint(message, at, path)
        else:
            size, at = (8, at) if kind == FIXED64 else (4, at) if kind == FIXED32 else _length(message, at, kind, path)
            value, at = message[at : at + size], at + size
            if at > len(message):
                raise DataError(f"{path}: field {number} ends after the end; the file is truncated or broken")
        if not number:
            raise DataError(f"{path}: a field has the number 0; the file is broken")
        yield number, value


def _length(message: bytes, at: int, kind: int, path: Path) -> tuple[int, int]:
    if kind != BYTES:
        raise DataError(f"{path}: byte {at} begins a value of kind {kind}, which there is not; the file is broken")
    return _varint(message, at, path)


def _varint(message: bytes, at: int, path: Path) -> tuple[int, int]:
    """Return a varint (seven bits per byte, lowest first) and the position after it."""
    value = 0
    for shift, byte in enumerate(message[at : at + LONGEST]):
        value |= (byte & 127) << 7 * shift
        if byte < 128:
            return value, at + shift + 1
    raise DataError(f"{path}: a number has no end at byte {at}; the file is truncated or broken")
