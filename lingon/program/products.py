"""Products: of matrices, of batches of matrices, and convolution along time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lingon.program.elementwise import resolve
from lingon.program.operator_types import Mismatch, Operator, Type, broadcast_shapes, is_int64


def _matmul(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    a, b = types
    if not a.shape or not b.shape:
        raise Mismatch("a matrix product wants arrays with at least one axis; `*` multiplies by single numbers")
    if a.shape[-1] != (m := b.shape[max(0, len(b.shape) - 2)]):
        axis = "last but one" if len(b.shape) > 1 else "only"
        raise Mismatch(
            f"the last axis of the left side has {a.shape[-1]}, the {axis} of the right {m}; they must be equal"
        )
    rows = a.shape[-2:-1] if len(a.shape) > 1 else ()
    columns = b.shape[-1:] if len(b.shape) > 1 else ()
    return Type((*broadcast_shapes([a.shape[:-2], b.shape[:-2]]), *rows, *columns), resolve(np.matmul, types)[-1])


def _run_matmul(operands: Sequence[np.ndarray], attributes: Mapping[str, Any], out: np.ndarray) -> None:
    np.matmul(operands[0], operands[1], out=out)


def _conv1d(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    x, weight = types
    if len(x.shape) != 3 or len(weight.shape) != 3:
        raise Mismatch("conv1d wants x [batch, width, time] and weight [channels, width, kernel]")
    if x.shape[1] != weight.shape[1]:
        raise Mismatch(f"x has {x.shape[1]} numbers at each time, the filters {weight.shape[1]}; they must be equal")
    stride, padding = attributes["stride"], attributes["padding"]
    if stride < 1 or padding < 0:
        raise Mismatch(f"stride {stride} must be 1 or more, padding {padding} not negative")
    left = x.shape[2] + 2 * padding - weight.shape[2]
    if left < 0 or weight.shape[2] < 1:
        raise Mismatch(f"a kernel of {weight.shape[2]} does not fit into a time of {x.shape[2] + 2 * padding}")
    dtype = resolve(np.matmul, types)[-1]
    return Type((x.shape[0], weight.shape[0], left // stride + 1), dtype)


def _run_conv1d(operands: Sequence[np.ndarray], attributes: Mapping[str, Any], out: np.ndarray) -> None:
    x, weight = operands
    if attributes["padding"]:
        x = np.pad(x, ((0, 0), (0, 0), (attributes["padding"],) * 2))
    kernel = weight.shape[2]
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=2)[:, :, :: attributes["stride"]]
    batch, width, time, _ = windows.shape
    rows = windows.transpose(0, 2, 1, 3).reshape(batch, time, width * kernel)
    np.matmul(rows, weight.reshape(len(weight), -1).T, out=out.transpose(0, 2, 1))


PRODUCTS = {
    "matmul": Operator("matmul", 2, _matmul, _run_matmul, symbol="@"),
    "conv1d": Operator("conv1d", 2, _conv1d, _run_conv1d, {"stride": is_int64, "padding": is_int64}),
}
