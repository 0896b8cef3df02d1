"""Reads the weights of an ONNX file exported by PyTorch, under their names in PyTorch.

ONNX is a protocol buffer: a sequence of fields, each with a number and a type. Only the needed fields are read: names
and values of tensors, and which node multiplies by which tensor. The format: onnx.proto of the ONNX project, and
"Encoding" in the documentation of Protocol Buffers.
"""

from collections.abc import Iterator
from math import prod
from pathlib import Path

import numpy as np

from lingon.core.errors import DataError

VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5  # wire types
GRAPH = 7  # of a model
NODE, INITIALIZER = 1, 5  # of a graph
NODE_INPUT, NODE_NAME, NODE_KIND = 1, 3, 4
DIMS, DATA_TYPE, FLOATS, NAME, RAW = 1, 2, 4, 8, 9  # of a tensor
FLOAT32 = 1
Fields = Iterator[tuple[int, int | memoryview]]


def pytorch_weights(data: bytes, path: Path | str) -> dict[str, np.ndarray]:
    """Return the float32 weights by name. data: the file, path: its name for messages.

    The matrix of a linear layer is stored transposed and without a name; the node that multiplies by it is named after
    the layer, as /encoder/layer.0/output/dense/MatMul. Raises DataError if `data` is not a complete ONNX file.
    """
    try:
        graph = next(value for field, value in _fields(memoryview(data)) if field == GRAPH)
        parts = [(field, value) for field, value in _fields(_message(graph)) if field in (NODE, INITIALIZER)]
        tensors = dict(_tensor(_message(value)) for field, value in parts if field == INITIALIZER)
        layers = [_layer(_message(value)) for field, value in parts if field == NODE]
    except (IndexError, StopIteration, ValueError, UnicodeDecodeError):
        raise DataError(f"{path}: not a complete ONNX file") from None
    found = {name: array for name, array in tensors.items() if array is not None and not name.startswith("onnx::")}
    for named, inputs in layers:
        for name in inputs:
            if named and name.startswith("onnx::") and (matrix := tensors.get(name)) is not None and matrix.ndim == 2:
                found[f"{named}.weight"] = np.ascontiguousarray(matrix.T)
    return found


def _layer(node: memoryview) -> tuple[str, list[str]]:
    """Return the name of the layer whose matrix product a node is, and its inputs; an empty name for other nodes."""
    name, kind, inputs = "", "", []
    for field, value in _fields(node):
        if field in (NODE_INPUT, NODE_NAME, NODE_KIND):
            text = str(_message(value), "utf-8")
            inputs += [text] if field == NODE_INPUT else []
            name, kind = (text if field == NODE_NAME else name), (text if field == NODE_KIND else kind)
    if kind != "MatMul" or not name.endswith("/MatMul"):
        return "", inputs
    return _module_of(name.removesuffix("/MatMul")), inputs


def _module_of(node: str) -> str:
    """Return the module that a node is named after; for a module in a list, the node repeats the name of the list.

    >>> _module_of("/model/model.0/encoder/layer.1/dense")
    'model.0.encoder.layer.1.dense'
    """
    parts: list[str] = []
    for part in node.strip("/").split("/"):
        if parts and part.startswith(f"{parts[-1]}."):
            parts.pop()
        parts.append(part)
    return ".".join(parts)


def _tensor(tensor: memoryview) -> tuple[str, np.ndarray | None]:
    """Return the name of a tensor and its values; None for types other than float32."""
    name, dims, kind, numbers = "", [], 0, memoryview(b"")
    for field, value in _fields(tensor):
        if field == DIMS:
            dims += [value] if isinstance(value, int) else _varints(value)
        elif field == DATA_TYPE and isinstance(value, int):
            kind = value
        elif field in (FLOATS, RAW):
            numbers = _message(value)
        elif field == NAME:
            name = str(_message(value), "utf-8")
    if kind != FLOAT32:
        return name, None
    array = np.frombuffer(numbers, "<f4")
    if len(array) != prod(dims):
        raise ValueError(name)
    return name, array.reshape(dims)


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number where a message was expected")
    return value


def _fields(data: memoryview) -> Fields:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        field, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(data, at)
            yield field, value
            continue
        if kind not in (EIGHT, BYTES, FOUR):
            raise ValueError(f"wire type {kind}")
        size, at = _varint(data, at) if kind == BYTES else (8 if kind == EIGHT else 4, at)
        if at + size > len(data):
            raise IndexError("cut off")
        yield field, data[at : at + size]
        at += size


def _varints(data: memoryview) -> list[int]:
    found, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        found.append(value)
    return found


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        value, at = value | (byte & 127) << shift, at + 1
        if byte < 128:
            return value, at
    raise ValueError("a number of over ten bytes")
