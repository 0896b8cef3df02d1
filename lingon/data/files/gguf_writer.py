"""Writes GGUF files, version 3, little-endian: metadata, then the tensors, each converted in pieces to save memory."""

import math
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from lingon.core.files import atomic_write
from lingon.data.files.gguf import ALIGNMENT, CHUNK, LIST, MAGIC, NAMES, NUMBERS, TEXT, TRUTH
from lingon.data.files.gguf_blocks import QUANTIZATIONS, QUANTIZERS

VERSION = 3
NUMBER_TYPES = {np.dtype(code): kind for kind, code in NUMBERS.items() if kind != TRUTH}
TENSOR_TYPES = {name: number for number, name in NAMES.items()}


@dataclass(frozen=True)
class TensorSource:
    """A tensor to be written: its name, the type it is stored as (one of QUANTIZERS), its shape, and its values.

    read: returns the values, float32 in that shape; called when they are written.
    """

    name: str
    type: str
    shape: tuple[int, ...]
    read: Callable[[], np.ndarray]

    @property
    def nbytes(self) -> int:
        kind = QUANTIZATIONS[self.type]
        return math.prod(self.shape) // kind.block_size * kind.block_bytes


def write_gguf(path: Path, metadata: Mapping[str, Any], tensors: Sequence[TensorSource]) -> None:
    """Write a GGUF file; it gets its name only once it is complete.

    metadata: values are a bool, a str, a NumPy number, which keeps its type, an array of these, or a list of str.
    """
    with atomic_write(path, "wb") as file:
        file.write(MAGIC + struct.pack("<IQQ", VERSION, len(tensors), len(metadata)))
        for name, value in metadata.items():
            file.write(_text(name) + _value(value))
        offset = 0
        for tensor in tensors:
            axes = tensor.shape[::-1]  # the file counts axes from the innermost one
            file.write(_text(tensor.name) + struct.pack(f"<I{len(axes)}Q", len(axes), *axes))
            file.write(struct.pack("<IQ", TENSOR_TYPES[tensor.type], offset))
            offset += _aligned(tensor.nbytes)
        _pad(file)
        for tensor in tensors:
            for part in _stored(tensor):
                file.write(part)
            _pad(file)


def _stored(tensor: TensorSource) -> Iterable[bytes]:
    """Yield the bytes of a tensor in pieces."""
    flat = tensor.read().reshape(-1)
    for start in range(0, len(flat), CHUNK):
        yield QUANTIZERS[tensor.type](flat[start : start + CHUNK])


def _value(value: Any) -> bytes:
    """Return the type and the value of one entry of the metadata."""
    if isinstance(value, bool):
        return struct.pack("<IB", TRUTH, value)
    if isinstance(value, str):
        return struct.pack("<I", TEXT) + _text(value)
    if isinstance(value, list):
        return struct.pack("<IIQ", LIST, TEXT, len(value)) + b"".join(map(_text, value))
    kind = NUMBER_TYPES[value.dtype]
    if isinstance(value, np.ndarray):
        return struct.pack("<IIQ", LIST, kind, len(value)) + value.astype(NUMBERS[kind]).tobytes()
    return struct.pack("<I", kind) + np.array(value, NUMBERS[kind]).tobytes()


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _pad(file: IO[bytes]) -> None:
    file.write(bytes(_aligned(file.tell()) - file.tell()))
