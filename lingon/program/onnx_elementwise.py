"""Export of element-wise operators to ONNX: as one operator of another name, or as several nodes."""

import numpy as np

from lingon.core.errors import UserError
from lingon.program.elementwise import common_dtype, resolve
from lingon.program.expression import Expression
from lingon.program.onnx_writer import NodeRule, Writer
from lingon.program.text import formula

SAME = {
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "divide": "Div",
    "power": "Pow",
    "negative": "Neg",
    "absolute": "Abs",
    "sign": "Sign",
    "sqrt": "Sqrt",
    "reciprocal": "Reciprocal",
    "exp": "Exp",
    "log": "Log",
    "sin": "Sin",
    "cos": "Cos",
    "tan": "Tan",
    "arctan": "Atan",
    "sinh": "Sinh",
    "cosh": "Cosh",
    "tanh": "Tanh",
    "floor": "Floor",
    "ceil": "Ceil",
    "rint": "Round",
    "maximum": "Max",
    "minimum": "Min",
    "isnan": "IsNaN",
    "isinf": "IsInf",
    "equal": "Equal",
    "less": "Less",
    "less_equal": "LessOrEqual",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "sigmoid": "Sigmoid",
    "relu": "Relu",
    "where": "Where",
    "matmul": "MatMul",
    "logical_and": "And",
    "logical_or": "Or",
    "logical_xor": "Xor",
    "logical_not": "Not",
    "detach": "Identity",
}
BITS = {"bitwise_and": ("And", "BitwiseAnd"), "bitwise_or": ("Or", "BitwiseOr"), "bitwise_xor": ("Xor", "BitwiseXor")}


def cast_operands(w: Writer, node: Expression, inputs: list[str]) -> list[str]:
    """Return the operands cast to the dtypes in which NumPy computes, because ONNX does not mix dtypes."""
    types = [i.type for i in node.inputs]
    if node.op == "where":
        wanted = [np.dtype(bool), *[common_dtype(types[1:])] * 2]
    elif node.op.startswith("logical"):
        wanted = [np.dtype(bool)] * len(types)
    elif hasattr(np, node.op):
        wanted = list(resolve(getattr(np, node.op), types))
    else:
        wanted = [node.type.dtype if node.op == "sigmoid" else types[0].dtype]
    triples = zip(inputs, types, wanted, strict=False)
    return [name if t.dtype == dtype else w.cast(name, dtype) for name, t, dtype in triples]


def _floor_divide(w: Writer, node: Expression, inputs: list[str]) -> str:
    if node.type.dtype.kind != "f":
        raise UserError(
            f"{formula(node)}: whole numbers divided and rounded down cannot be written in ONNX; use floats"
        )
    return w.node("Floor", [w.node("Div", inputs)])


def _remainder(w: Writer, node: Expression, inputs: list[str]) -> str:
    if node.type.dtype.kind != "f":
        return w.node("Mod", inputs)
    turns = w.node("Floor", [w.node("Div", inputs)])
    return w.node("Sub", [inputs[0], w.node("Mul", [turns, inputs[1]])])


def _one(w: Writer, node: Expression) -> str:
    return w.constant(1, node.type.dtype)


def _trunc(w: Writer, node: Expression, inputs: list[str]) -> str:
    return w.node("Mul", [w.node("Sign", inputs), w.node("Floor", [w.node("Abs", inputs)])])


def _isfinite(w: Writer, node: Expression, inputs: list[str]) -> str:
    return w.node("Not", [w.node("Or", [w.node("IsNaN", inputs), w.node("IsInf", inputs)])])


def _bits(w: Writer, node: Expression, inputs: list[str]) -> str:
    return w.node(BITS[node.op][node.type.dtype.kind != "b"], inputs)


def _invert(w: Writer, node: Expression, inputs: list[str]) -> str:
    return w.node("Not" if node.type.dtype.kind == "b" else "BitwiseNot", inputs)


ELEMENTWISE_RULES: dict[str, NodeRule] = {
    "square": lambda w, node, inputs: w.node("Mul", inputs * 2),
    "expm1": lambda w, node, inputs: w.node("Sub", [w.node("Exp", inputs), _one(w, node)]),
    "log1p": lambda w, node, inputs: w.node("Log", [w.node("Add", [*inputs, _one(w, node)])]),
    "not_equal": lambda w, node, inputs: w.node("Not", [w.node("Equal", inputs)]),
    "cast": lambda w, node, inputs: w.cast(inputs[0], node.type.dtype),
    "floor_divide": _floor_divide,
    "remainder": _remainder,
    "trunc": _trunc,
    "isfinite": _isfinite,
    "invert": _invert,
    **dict.fromkeys(BITS, _bits),
}
