"""Element-wise operators: each element of the result is computed from the elements at the same position."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lingon.program.operator_types import DTYPES, Mismatch, Operator, Type, broadcast_shapes

SYMBOLS = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "floor_divide": "//",
    "remainder": "%",
    "power": "**",
    "equal": "==",
    "not_equal": "!=",
    "less": "<",
    "less_equal": "<=",
    "greater": ">",
    "greater_equal": ">=",
    "bitwise_and": "&",
    "bitwise_or": "|",
    "bitwise_xor": "^",
}
COMPARISONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
UFUNCS = (
    *SYMBOLS,
    *("negative", "absolute", "sign", "square", "sqrt", "reciprocal", "exp", "expm1", "log", "log1p"),
    *("sin", "cos", "tan", "arctan", "sinh", "cosh", "tanh", "floor", "ceil", "trunc", "rint"),
    *("maximum", "minimum", "isnan", "isinf", "isfinite", "invert"),
    *("logical_and", "logical_or", "logical_xor", "logical_not"),
)


def resolve(ufunc: np.ufunc, types: Sequence[Type]) -> tuple[np.dtype, ...]:
    """Return the dtypes that NumPy uses for each operand and the result. Raises Mismatch if there are none."""
    alone = all(t.weak for t in types)
    given = [{"i": int, "f": float}.get(t.dtype.kind, t.dtype) if t.weak and not alone else t.dtype for t in types]
    try:
        found = ufunc.resolve_dtypes((*given, None))
    except TypeError:
        found = None
    if found is None or not all(dtype in DTYPES for dtype in found):
        raise Mismatch(f"{ufunc.__name__} is not defined for {' and '.join(str(t.dtype) for t in types)}")
    return found


def resolve_comparison(ufunc: np.ufunc, types: Sequence[Type], values: Sequence[Any]) -> tuple[np.dtype, ...]:
    """Return the dtypes as `resolve`, but for comparisons with a Python number too large for the other operand's dtype.

    values: the Python number of each weak operand. Raises Mismatch where NumPy fails too.
    """
    found = resolve(ufunc, types)
    for t, dtype, value in zip(types, found, values, strict=False):
        if t.weak and t.dtype.kind == "i" and dtype.kind in "iu":
            limits = np.iinfo(dtype)
            if not limits.min <= value <= limits.max:
                if ufunc.__name__ in COMPARISONS:
                    return tuple(np.dtype(np.int64) if w.weak else d for w, d in zip(types, found, strict=False))
                raise Mismatch(f"{value} does not fit into {dtype}")
    return found


def result_shape(types: Sequence[Type]) -> tuple[int, ...]:
    """Return the shape of an element-wise result."""
    return broadcast_shapes([t.shape for t in types])


def _of_ufunc(name: str) -> Operator:
    ufunc = getattr(np, name)

    def infer(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
        return Type(result_shape(types), resolve(ufunc, types)[-1])

    return _operator(name, ufunc.nin, infer, ufunc, SYMBOLS.get(name, ""))


def _operator(name: str, arity: int, infer: Callable, kernel: Callable, symbol: str = "", overlap=True) -> Operator:
    def run(operands: Sequence[np.ndarray], attributes: Mapping[str, Any], out: np.ndarray) -> None:
        kernel(*operands, out=out)

    return Operator(name, arity, infer, run, elementwise=True, kernel=kernel, overlap=overlap, symbol=symbol)


def _like_exp(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    return Type(types[0].shape, resolve(np.exp, types)[-1])


def _same(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    return Type(types[0].shape, types[0].dtype)


def _numbers(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    if types[0].dtype.kind == "b":
        raise Mismatch("relu is not defined for bool")
    return _same(types, attributes)


def _choice(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    return Type(result_shape(types), common_dtype(types[1:]))


def common_dtype(types: Sequence[Type]) -> np.dtype:
    """Return the common dtype, as `np.result_type`; Python numbers adapt to the others."""
    strong = [t.dtype for t in types if not t.weak]
    if not strong:
        return np.result_type(*(t.dtype for t in types))
    return np.result_type(*strong, *({"b": True, "i": 1, "f": 1.0}[t.dtype.kind] for t in types if t.weak))


def sigmoid(x: np.ndarray, out: np.ndarray) -> None:
    """Compute 1 / (1 + exp(-x)) into `out`; where exp overflows the result is 0, never NaN."""
    np.negative(x, out, dtype=out.dtype)
    np.exp(out, out)
    np.add(out, 1, out)
    np.reciprocal(out, out)


def relu(x: np.ndarray, out: np.ndarray) -> None:
    """Compute max(x, 0) into `out`; NaN stays NaN."""
    np.maximum(x, x.dtype.type(0), out=out)


def select(condition: np.ndarray, x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
    """Write x into `out` where the condition holds, else y."""
    np.copyto(out, y, casting="unsafe")
    np.copyto(out, x, casting="unsafe", where=condition if condition.dtype == bool else condition != 0)


def copy(x: np.ndarray, out: np.ndarray) -> None:
    """Copy x into `out`, cast to its dtype."""
    np.copyto(out, x, casting="unsafe")


def _cast(types: Sequence[Type], attributes: Mapping[str, Any]) -> Type:
    return Type(types[0].shape, np.dtype(attributes["dtype"]))


CAST = Operator(
    "cast",
    1,
    _cast,
    lambda operands, attributes, out: copy(operands[0], out),
    {"dtype": lambda value: isinstance(value, str) and value in [d.name for d in DTYPES]},
    elementwise=True,
    kernel=copy,
)
ELEMENTWISE = {
    **{name: _of_ufunc(name) for name in UFUNCS},
    "sigmoid": _operator("sigmoid", 1, _like_exp, sigmoid),
    "relu": _operator("relu", 1, _numbers, relu),
    "where": _operator("where", 3, _choice, select, overlap=False),
    "detach": _operator("detach", 1, _same, copy, overlap=False),
    "cast": CAST,
}
