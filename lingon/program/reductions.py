"""Reductions over axes, such as sum and max, and softmax, which uses them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lingon.program.operator_types import Mismatch, Operator, Type, axes_of, axis_of, is_axes, is_bool, is_int64

AXES = {"axis": is_axes, "keepdims": is_bool}
ONE_AXIS = {"axis": lambda value: value is None or is_int64(value), "keepdims": is_bool}


def reduced_shape(shape: tuple[int, ...], axes: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    """Return the shape without the axes, or, with `keepdims`, with 1 in their place."""
    if keepdims:
        return tuple(1 if i in axes else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def _infer(function: Callable, empty: bool) -> Callable:
    """Return a rule for type inference. empty: the function is defined for zero elements."""

    def infer(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
        x = types[0]
        axes = axes_of(attributes["axis"], len(x.shape))
        if not empty and any(x.shape[a] == 0 for a in axes):
            raise Mismatch(f"{function.__name__.removeprefix('a')} of no numbers is not defined")
        # The dtype is NumPy's, obtained with one element: sums of small integers are int64, their means float64.
        return Type(reduced_shape(x.shape, axes, attributes["keepdims"]), function(np.ones(1, x.dtype)).dtype)

    return infer


def _operator(name: str, function: Callable, empty: bool = True, attributes: Mapping = AXES) -> Operator:
    def run(operands: Sequence[np.ndarray], attributes: Mapping[str, Any], out: np.ndarray) -> None:
        function(operands[0], axis=attributes["axis"], keepdims=attributes["keepdims"], out=out)

    return Operator(name, 1, _infer(function, empty), run, attributes)


def mean(x: np.ndarray, axis: Any = None, keepdims: bool = False, out: np.ndarray | None = None) -> np.ndarray:
    """Return np.mean; float16 is accumulated in float32 also when there is an `out`."""
    if out is None or out.dtype != np.float16:
        return np.mean(x, axis, out=out, keepdims=keepdims)
    out[...] = np.mean(x, axis, keepdims=keepdims)
    return out


def _softmax(operands: Sequence[np.ndarray], attributes: Mapping[str, Any], out: np.ndarray) -> None:
    x, axis = operands[0], attributes["axis"]
    np.subtract(x, x.max(axis, keepdims=True), out=out, dtype=out.dtype)
    np.exp(out, out)
    np.divide(out, out.sum(axis, keepdims=True), out)


def _log_softmax(operands: Sequence[np.ndarray], attributes: Mapping[str, Any], out: np.ndarray) -> None:
    x, axis = operands[0], attributes["axis"]
    np.subtract(x, x.max(axis, keepdims=True), out=out, dtype=out.dtype)
    np.subtract(out, np.log(np.exp(out).sum(axis, keepdims=True)), out)


def _along_axis(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    x = types[0]
    axis = axis_of(attributes["axis"], len(x.shape))
    if x.dtype.kind != "f":
        raise Mismatch(f"softmax wants floating-point numbers and was given {x.dtype}; cast them")
    if x.shape[axis] == 0:
        raise Mismatch(f"softmax of no numbers is not defined (axis {axis} is 0)")
    return Type(x.shape, x.dtype)


def _cumsum(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    x = types[0]
    axis_of(attributes["axis"], len(x.shape))
    return Type(x.shape, np.cumsum(np.ones(1, x.dtype)).dtype)


def _run_cumsum(operands: Sequence[np.ndarray], attributes: Mapping[str, Any], out: np.ndarray) -> None:
    np.cumsum(operands[0], axis=attributes["axis"], out=out)


ALONG = {"axis": is_int64}
REDUCTIONS = {
    "sum": _operator("sum", np.sum),
    "mean": Operator(
        "mean",
        1,
        _infer(np.mean, True),
        lambda operands, attributes, out: mean(operands[0], attributes["axis"], attributes["keepdims"], out),
        AXES,
    ),
    "max": _operator("max", np.max, empty=False),
    "min": _operator("min", np.min, empty=False),
    "any": _operator("any", np.any),
    "all": _operator("all", np.all),
    "argmax": _operator("argmax", np.argmax, False, ONE_AXIS),
    "argmin": _operator("argmin", np.argmin, False, ONE_AXIS),
    "softmax": Operator("softmax", 1, _along_axis, _softmax, ALONG, overlap=True),
    "log_softmax": Operator("log_softmax", 1, _along_axis, _log_softmax, ALONG, overlap=True),
    "cumsum": Operator("cumsum", 1, _cumsum, _run_cumsum, ALONG),
}
