"""Reads and writes safetensors files: written atomically, and checked before memory is allocated."""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from lingon.core.errors import DataError, unknown
from lingon.core.files import atomic_write, open_regular

if TYPE_CHECKING:  # so that storing NumPy arrays does not import torch
    import numpy as np

    from lingon.core.shapes import Tensor

# Bytes: enough for ten thousand tensors in a file. The format allows 100 MB, which take seconds to parse.
HEADER_LIMIT = 1 << 20
# Names of torch types in the format. Rare ones, such as complex numbers, are left to its library.
TYPES = {
    "float64": "F64",
    "float32": "F32",
    "bfloat16": "BF16",
    "float16": "F16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
}
AXES, LISTS = 16, 40_000  # each tensor has two lists; a million empty ones would keep Python's collector busy


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write named tensors to a safetensors file, which appears only once it is complete.

    Tensors that share memory are each written in full. Tensors are written one by one, so that there is no copy of all
    of them in memory: `safetensors.torch.save` makes three.
    """
    import torch

    names = {getattr(torch, kind): name for kind, name in TYPES.items()}
    if sys.byteorder != "little" or not all(tensor.dtype in names for tensor in tensors.values()):
        _save_at_once(path, tensors)
        return
    # The widest first, so that each begins at a multiple of its width.
    rows = sorted(tensors.items(), key=lambda row: (-row[1].element_size(), row[0]))
    header, at = dict[str, Any](__metadata__={"format": "pt"}), 0
    for name, tensor in rows:
        end = at + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": names[tensor.dtype], "shape": [*tensor.shape], "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with atomic_write(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, tensor in rows:
            file.write(tensor.detach().to("cpu").contiguous().flatten().view(torch.uint8).numpy().data)


def _save_at_once(path: Path, tensors: Mapping[str, Tensor]) -> None:
    from safetensors.torch import save

    whole = {name: t.detach().to("cpu").contiguous().clone() for name, t in tensors.items()}
    with atomic_write(path, "wb") as file:
        file.write(save(whole, metadata={"format": "pt"}))


def tensors_sha256(tensors: Mapping[str, Tensor]) -> str:
    """Return the sha256 of named tensors, sorted by name: of their types, shapes and bytes."""
    import torch

    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {[*tensor.shape]}".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def shapes_in(path: Path) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of the tensors in a safetensors file, read from its header alone.

    Raises DataError if the header is invalid, or declares more bytes than the file has.
    """
    path = Path(path)
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            (length,) = struct.unpack("<Q", file.read(8))
            if length > min(HEADER_LIMIT, size - 8):
                raise DataError(f"{path}: not a safetensors file (header of {length:,} bytes in a file of {size:,})")
            text = file.read(length)
            if text.count(b"[") > LISTS:
                raise DataError(f"{path}: not a safetensors file (over {LISTS:,} lists in its header)")
            header = json.loads(text)
    except (OSError, struct.error, ValueError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: not a safetensors file ({error})") from None
    if not isinstance(header, dict):
        raise DataError(f"{path}: not a safetensors file (its header is not an object)")
    shapes = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        shape = entry.get("shape") if isinstance(entry, dict) else None
        sizes = shape if isinstance(shape, list) and len(shape) <= AXES else [None]
        if not all(type(n) is int and 0 <= n <= size for n in sizes):
            raise DataError(f"{path}: tensor {name!r} has no valid shape")
        shapes[name] = tuple(sizes)
    if (numbers := sum(map(math.prod, shapes.values()))) > size:  # each takes at least one byte
        raise DataError(f"{path}: declares {numbers:,} numbers in a file of {size:,} bytes")
    return shapes


def load_tensors(path: Path, expect: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
    """Read a safetensors file. With `expect`, names, shapes and types must be those of the given tensors.

    Raises DataError that names the file and the first tensor that is missing, superfluous, of another shape or type,
    or contains NaN or infinity.
    """
    path = Path(path)
    shapes = shapes_in(path)
    if expect is not None:
        _check(path, shapes, {name: tuple(t.shape) for name, t in expect.items()})
    from safetensors.torch import load_file

    tensors = _whole(path, load_file)
    for name, tensor in tensors.items() if expect is not None else ():
        assert expect is not None
        if tensor.dtype != expect[name].dtype:
            raise DataError(f"{path}: tensor {name!r} is of {tensor.dtype}, the model expects {expect[name].dtype}")
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise DataError(f"{path}: tensor {name!r} holds NaN or infinite numbers")
    return tensors


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read a safetensors file with types that NumPy supports, without torch. Raises DataError that names the file."""
    from safetensors.numpy import load_file

    shapes_in(path)
    return _whole(path, load_file)


def _whole(path: Path, load: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    try:
        return load(path)
    except (SafetensorError, OSError, ValueError, KeyError, RuntimeError, OverflowError) as error:
        raise DataError(f"{path}: not a complete safetensors file ({error})") from None


def _check(path: Path, found: Mapping[str, tuple], wanted: Mapping[str, tuple]) -> None:
    for name in wanted:
        if name not in found:
            raise DataError(f"{path}: tensor {name!r} is missing; these weights belong to another model")
    for name, shape in found.items():
        if name not in wanted:
            raise DataError(f"{path}: {unknown('tensor', name, wanted)}")
        if shape != wanted[name]:
            raise DataError(f"{path}: tensor {name!r} is {list(shape)}, the model expects {list(wanted[name])}")
