"""Models of SentencePiece, written by hand: the wire format of Protocol Buffers, a field at a time."""

import struct
from pathlib import Path

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
SPECIAL = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)]


def number(value: int) -> bytes:
    """A number of seven bits a byte."""
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def field(at: int, value: int | bytes | float | str) -> bytes:
    """A field with its number and its kind."""
    if isinstance(value, float):
        return number(at << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return number(at << 3) + number(value)
    content = value.encode() if isinstance(value, str) else value
    return number(at << 3 | 2) + number(len(content)) + content


def piece(text: str, score: float, kind: int = NORMAL) -> bytes:
    return field(1, field(1, text) + field(2, score) + field(3, kind))


def write_model(path: Path, pieces, trainer=None, normalizer=None, first=SPECIAL) -> Path:
    """Write a model with these pieces behind the first ones. trainer, normalizer: values by the numbers of fields."""
    specs = [
        field(at, b"".join(field(n, v) for n, v in (given or {}).items()))
        for at, given in ((2, trainer), (3, normalizer))
    ]
    path.write_bytes(b"".join([*(piece(*each) for each in [*first, *pieces]), *specs]))
    return path
