"""Reads GGUF files: a model's metadata, and its quantized weights, dequantized with NumPy.

The layout is that of ggml's own documentation (`docs/gguf.md`), version 2 and 3, little-endian.
"""

import math
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.errors import DataError, one_of
from lingon.core.files import open_regular
from lingon.data.files.gguf_blocks import QUANTIZATIONS
from lingon.data.tokenizers.text_check import abbreviate

MAGIC = b"GGUF"
VERSIONS = (2, 3)
HEADER = 1 << 26  # maximum bytes before the weights; the 262,144 tokens of Gemma and their scores take 7 million
NESTED = 4  # maximum nesting of lists
AXES = 4
ALIGNMENT = 32
LARGEST_ALIGNMENT = 1 << 16
CHUNK = 1 << 20  # weights dequantized at a time: intermediate results take several times their memory
TEXT, LIST, TRUTH = 8, 9, 7
NUMBERS = {0: "u1", 1: "i1", 2: "<u2", 3: "<i2", 4: "<u4", 5: "<i4", 6: "<f4", 7: "u1", 10: "<u8", 11: "<i8", 12: "<f8"}
NAMES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K",
    12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
    20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
    29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
}  # fmt: skip


def is_gguf(path: Path) -> bool:
    """Return whether a file starts with the magic number of GGUF, or has its suffix."""
    if path.suffix == ".gguf" or not path.is_file():
        return path.suffix == ".gguf" and not path.is_dir()
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


@dataclass(frozen=True)
class TensorInfo:
    """A tensor in the file: its storage type, its shape, and its offset in bytes."""

    type: str
    shape: tuple[int, ...]
    offset: int

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        blocks = QUANTIZATIONS[self.type]
        return self.size // blocks.block_size * blocks.block_bytes


class GGUF:
    """A file with a validated header: `metadata` by key, `tensors` by name, and `read` for the values of one.

    A value of the metadata is a number, a bool, a text, or a list (an array for numbers). The file is memory-mapped, so
    that only what is read is in memory. Raises DataError naming the file and the problem.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)
        try:
            with open_regular(self.path) as file:
                raw = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
        except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
            if isinstance(error, DataError):
                raise
            raise DataError(f"{self.path}: not a GGUF file ({error})") from None
        self._raw = raw
        self.metadata, self.tensors = _Header(self.path, raw).read()

    def read(self, name: str) -> np.ndarray:
        """Return a tensor as float32, in its shape. Raises DataError when it is missing."""
        out = np.empty(self.info(name).size, np.float32)
        start = 0
        for numbers in self.chunks(name):
            out[start : start + len(numbers)] = numbers
            start += len(numbers)
        return out.reshape(self.info(name).shape)

    def chunks(self, name: str) -> Iterator[np.ndarray]:
        """Yield the elements of a tensor in order, float32 [up to CHUNK]. Raises DataError when it is missing."""
        stored = self.info(name)
        kind = QUANTIZATIONS[stored.type]
        blocks = self._raw[stored.offset : stored.offset + stored.nbytes].reshape(-1, kind.block_bytes)
        rows = CHUNK // kind.block_size
        for start in range(0, len(blocks), rows):
            with np.errstate(over="ignore", invalid="ignore"):  # scales in a damaged file may be infinite
                yield kind.dequantize(blocks[start : start + rows]).reshape(-1)

    def info(self, name: str) -> TensorInfo:
        """Return offset and storage type of a tensor. Raises DataError when it is missing."""
        if name not in self.tensors:
            raise DataError(f"{self.path}: tensor {name!r} is missing")
        return self.tensors[name]


class _Header:
    """Parses the untrusted header of a mapped file, once."""

    def __init__(self, path: Path, raw: np.ndarray):
        self.path, self.raw, self.size, self.at = path, raw, len(raw), 0

    def read(self) -> tuple[dict[str, Any], dict[str, TensorInfo]]:
        if self.take(4) != MAGIC:
            raise self.error("not a GGUF file")
        if (version := self.number("<I")) not in VERSIONS:
            swapped = version in (v << 24 for v in VERSIONS)
            why = "it is for big-endian machines; convert it anew" if swapped else f"version {version} of the format"
            raise self.error(f"{why}; versions {VERSIONS[0]} and {VERSIONS[1]}, little-endian, are read")
        # Minimum sizes: an empty name, one axis, its size, type and offset; or an empty name, a type and a byte.
        tensors, metadata = self.count("tensors", 8 + 4 + 8 + 4 + 8), self.count("metadata keys", 8 + 4 + 1)
        found: dict[str, Any] = {}
        for _ in range(metadata):
            if (name := self.text()) in found:
                raise self.error(f"the metadata key {abbreviate(name)} occurs twice")
            found[name] = self.value(self.number("<I"))
        stored = [self.tensor() for _ in range(tensors)]
        return found, self.locate(stored, found.get("general.alignment", ALIGNMENT))

    def locate(self, found: list[tuple[str, TensorInfo]], alignment: object) -> dict[str, TensorInfo]:
        """Return the tensors with their offsets in the file. Raises DataError if they overlap or exceed the file."""
        if type(alignment) is not int or not 0 < alignment <= LARGEST_ALIGNMENT or alignment & (alignment - 1):
            raise self.error(f"general.alignment is {abbreviate(alignment)}, expected a power of two of bytes")
        end = base = -(-self.at // alignment) * alignment
        tensors: dict[str, TensorInfo] = {}
        for name, stored in sorted(found, key=lambda pair: pair[1].offset):
            if name in tensors:
                raise self.error(f"tensor {abbreviate(name)} occurs twice")
            start = base + stored.offset
            if stored.offset % alignment or start < end:
                raise self.error(
                    f"tensor {abbreviate(name)} begins at {stored.offset:,}, within another or between places"
                )
            tensors[name] = TensorInfo(stored.type, stored.shape, start)
            end = start + stored.nbytes
            if end > self.size:
                raise self.error(f"tensor {abbreviate(name)} would end after the file; is it truncated?")
        return tensors

    def tensor(self) -> tuple[str, TensorInfo]:
        name, axes = self.text(), self.number("<I")
        if not 1 <= axes <= AXES:
            raise self.error(f"tensor {abbreviate(name)} has {axes} axes, expected 1 to {AXES}")
        # The file counts axes from the innermost one.
        shape = tuple(self.number("<Q") for _ in range(axes))[::-1]
        number = self.number("<I")
        kind = NAMES.get(number, f"number {number}")
        if kind not in QUANTIZATIONS:
            raise self.error(f"tensor {abbreviate(name)} is stored as {kind}; what is read: {one_of(QUANTIZATIONS)}")
        # A block has at most 256 elements, so that a larger shape cannot be in this file.
        if min(shape) < 1 or math.prod(shape) > 256 * self.size or shape[-1] % QUANTIZATIONS[kind].block_size:
            raise self.error(f"tensor {abbreviate(name)} cannot have the shape {list(shape)} as {kind}")
        return name, TensorInfo(kind, shape, self.number("<Q"))

    def value(self, kind: int, depth: int = 0) -> Any:
        if kind in NUMBERS:
            return self.checked(kind, self.array(kind, 1))[0].item()
        if kind == TEXT:
            return self.text()
        if kind != LIST:
            raise self.error(f"metadata of type {kind}, which the format does not have")
        if depth == NESTED:
            raise self.error("lists in lists in lists without end")
        inner = self.number("<I")
        if inner in NUMBERS:
            return self.checked(inner, self.array(inner, self.count("members", np.dtype(NUMBERS[inner]).itemsize)))
        count = self.count("members", 8 if inner == TEXT else 4 + 8)
        return [self.value(inner, depth + 1) for _ in range(count)]

    def array(self, kind: int, count: int) -> np.ndarray:
        return np.frombuffer(self.take(count * np.dtype(NUMBERS[kind]).itemsize), NUMBERS[kind])

    def checked(self, kind: int, values: np.ndarray) -> np.ndarray:
        if kind != TRUTH:
            return values
        if values.size and values.max() > 1:
            raise self.error(f"a truth is {values.max()}, expected 0 or 1")
        return values.astype(bool)

    def number(self, code: str) -> int:
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def count(self, what: str, least: int) -> int:
        """Return the number of items that follow, each of at least `least` bytes."""
        count = self.number("<Q")
        if count * least > min(HEADER, self.size) - self.at:
            raise self.error(f"{count:,} {what} are declared, in a file of {self.size:,} bytes; is it truncated?")
        return count

    def text(self) -> str:
        length = self.count("bytes of a text", 1)
        try:
            return self.take(length).decode()
        except UnicodeDecodeError:
            raise self.error(f"a text before byte {self.at:,} is not UTF-8") from None

    def take(self, count: int) -> bytes:
        if self.at + count > self.size:
            raise self.error("it ends within its header; is it truncated?")
        if self.at + count > HEADER:
            raise self.error(f"its header has more than {HEADER:,} bytes")
        self.at += count
        return self.raw[self.at - count : self.at].tobytes()

    def error(self, why: str) -> DataError:
        return DataError(f"{self.path}: {why}")
