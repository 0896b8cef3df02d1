"""How each operator of a program is written in ONNX (opset 18): its names, and where the two differ, several nodes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lingon.core.errors import UserError
from lingon.program.elementwise import ELEMENTWISE, common_dtype, resolve
from lingon.program.expression import Expression, topological_order
from lingon.program.operator_types import axes_of, axis_of
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
REDUCTIONS = {"sum": "ReduceSum", "mean": "ReduceMean", "max": "ReduceMax", "min": "ReduceMin"}
BITS = {"bitwise_and": ("And", "BitwiseAnd"), "bitwise_or": ("Or", "BitwiseOr"), "bitwise_xor": ("Xor", "BitwiseXor")}


class Writer:
    """Nodes and constants of an ONNX graph, in the order in which they are written."""

    def __init__(self, names: dict[int, str], counter: list[int] | None = None):
        self.names = names
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.counter = counter if counter is not None else [0]

    def fresh(self) -> str:
        """Return a name that no other value has, in this graph or in one inside it."""
        self.counter[0] += 1
        return f"v{self.counter[0]}"

    def node(self, op: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any) -> Any:
        """Write a node; returns the name of its result, or of all of them."""
        from onnx import helper

        made = [self.fresh() for _ in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), made, **attributes))
        return made[0] if outputs == 1 else made

    def constant(self, value: Any, dtype: Any = np.int64) -> str:
        """Write an array; returns its name."""
        from onnx import numpy_helper

        name = self.fresh()
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def cast(self, name: str, dtype: np.dtype | type) -> str:
        """Write a conversion to a dtype."""
        from onnx import helper

        return self.node("Cast", [name], to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def write(self, roots: Sequence[Expression]) -> None:
        """Write what the roots need and is not there yet."""
        for node in topological_order(roots):
            if id(node) in self.names:
                continue
            if node.op == "constant":
                self.names[id(node)] = self.constant(node.value, np.asarray(node.value).dtype)
            elif node.op == "item":
                self.names[id(node)] = self.names[id(node.inputs[0])][node.attributes["index"]]
            else:
                self.names[id(node)] = self._operator(node)

    def _operator(self, node: Expression) -> Any:
        inputs = [self.names[id(i)] for i in node.inputs]
        if node.op == "scan":
            return _scan(self, node, inputs)
        if node.op in ELEMENTWISE or node.op == "matmul":
            inputs = self._converted(node, inputs)
        if node.op in SAME:
            return self.node(SAME[node.op], inputs)
        if node.op not in NODE_RULES:
            raise UserError(f"{formula(node)}: {node.op} cannot be written in ONNX here; export a program without it")
        return NODE_RULES[node.op](self, node, inputs)

    def _converted(self, node: Expression, inputs: list[str]) -> list[str]:
        """Convert operands to the dtypes in which NumPy computes: ONNX mixes none."""
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
        return [name if t.dtype == dtype else self.cast(name, dtype) for name, t, dtype in triples]


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


def _reduce(w: Writer, node: Expression, inputs: list[str]) -> str:
    axes = axes_of(node.attributes["axis"], len(node.inputs[0].shape))
    if not axes:
        return w.node("Identity", inputs)
    name = inputs[0] if node.inputs[0].dtype == node.dtype else w.cast(inputs[0], node.dtype)
    return w.node(REDUCTIONS[node.op], [name, w.constant(axes)], keepdims=int(node.attributes["keepdims"]))


def _truths(w: Writer, node: Expression, inputs: list[str]) -> str:
    axes = axes_of(node.attributes["axis"], len(node.inputs[0].shape))
    truth = w.cast(w.cast(inputs[0], np.bool_), np.int32)
    op = "ReduceMax" if node.op == "any" else "ReduceMin"
    return w.cast(w.node(op, [truth, w.constant(axes)], keepdims=int(node.attributes["keepdims"])), np.bool_)


def _arg(w: Writer, node: Expression, inputs: list[str]) -> str:
    axis, keepdims = node.attributes["axis"], node.attributes["keepdims"]
    op = "ArgMax" if node.op == "argmax" else "ArgMin"
    if axis is not None:
        return w.node(op, inputs, axis=axis, keepdims=int(keepdims))
    flat = w.node(op, [w.node("Reshape", [inputs[0], w.constant([-1])])], axis=0, keepdims=0)
    return w.node("Reshape", [flat, w.constant(np.ones(len(node.shape)))])


def _along(op: str) -> Callable:
    return lambda w, node, inputs: w.node(op, inputs, axis=node.attributes["axis"])


def _cumsum(w: Writer, node: Expression, inputs: list[str]) -> str:
    name = inputs[0] if node.inputs[0].dtype == node.dtype else w.cast(inputs[0], node.dtype)
    return w.node("CumSum", [name, w.constant(node.attributes["axis"])])


def _shape(w: Writer, node: Expression, inputs: list[str]) -> str:
    op = "Reshape" if node.op == "reshape" else "Expand"
    extra = {"allowzero": 1} if op == "Reshape" and 0 in node.attributes["shape"] else {}
    return w.node(op, [inputs[0], w.constant(np.array(node.attributes["shape"], np.int64))], **extra)


def _permuted(w: Writer, node: Expression, inputs: list[str]) -> str:
    rank = len(node.shape)
    order = list(range(rank))
    if node.op == "swapaxes":
        a, b = (axis_of(node.attributes[name], rank) for name in ("a", "b"))
        order[a], order[b] = b, a
    else:
        axes = node.attributes["axes"]
        order = order[::-1] if axes is None else [axis_of(a, rank) for a in axes]
    return w.node("Transpose", inputs, perm=order)


def _expand_dims(w: Writer, node: Expression, inputs: list[str]) -> str:
    return w.node("Unsqueeze", [inputs[0], w.constant([node.attributes["axis"]])])


def _slice(w: Writer, node: Expression, inputs: list[str]) -> str:
    """Write slices first, then axes taken out, then new ones put in."""
    rank, place, axes, gone, new, at = len(node.inputs[0].shape), 0, [], [], [], 0
    index = node.attributes["index"]
    rest = rank - sum(e[0] in ("at", "slice") for e in index)
    for kind, *n in index:
        if kind == "new":
            new.append(at)
            at += 1
        elif kind == "rest":
            place, at = place + rest, at + rest
        elif kind == "at":
            axes.append((place, n[0], n[0] + 1 if n[0] != -1 else 2**31, 1))
            gone.append(place)
            place += 1
        else:
            axes.append((place, *_bounds(n)))
            place, at = place + 1, at + 1
    name = inputs[0]
    if axes:
        where, starts, stops, steps = (w.constant(list(column)) for column in zip(*axes, strict=True))
        name = w.node("Slice", [name, starts, stops, where, steps])
    name = w.node("Squeeze", [name, w.constant(gone)]) if gone else name
    return w.node("Unsqueeze", [name, w.constant(new)]) if new else w.node("Identity", [name])


def _bounds(n: Sequence[int | None]) -> tuple[int, int, int]:
    step = n[2] or 1
    far = 2**31
    start = (0 if step > 0 else far) if n[0] is None else n[0]
    return start, (far if step > 0 else -far) if n[1] is None else n[1], step


def _concatenate(w: Writer, node: Expression, inputs: list[str]) -> str:
    names = [n if i.dtype == node.dtype else w.cast(n, node.dtype) for n, i in zip(inputs, node.inputs, strict=True)]
    return w.node("Concat", names, axis=node.attributes["axis"])


def _conv1d(w: Writer, node: Expression, inputs: list[str]) -> str:
    padding = node.attributes["padding"]
    return w.node("Conv", inputs, strides=[node.attributes["stride"]], pads=[padding, padding])


def _ids(w: Writer, node: Expression, name: str) -> str:
    return name if node.dtype in (np.int32, np.int64) else w.cast(name, np.int64)


def _take(op: str) -> Callable:
    return lambda w, node, inputs: w.node(
        op, [inputs[0], _ids(w, node.inputs[1], inputs[1])], axis=node.attributes["axis"]
    )


def _scan(w: Writer, node: Expression, inputs: list[str]) -> list[str]:
    """Write the same loop of ONNX; what its body takes from outside it sees by name."""
    from onnx import helper

    a, body = node.attributes, node.attributes["body"]
    many = a["states"] + a["sequences"]
    inner = Writer({}, w.counter)
    given = [inner.fresh() for _ in range(many)]
    names = [*given, *inputs[many:]]
    inner.names = {id(p): name for p, name in zip(body.parameters, names, strict=True)}
    inner.write(body.results)
    results = [inner.node("Identity", [inner.names[id(r)]]) for r in body.results]  # each result has a name of its own
    kinds = [p.type for p in body.parameters[:many]]
    graph = helper.make_graph(
        inner.nodes,
        "turn",
        [value_info(name, k.dtype, [None] * len(k.shape)) for name, k in zip(given, kinds, strict=True)],
        [value_info(name, r.type.dtype, [None] * len(r.shape)) for name, r in zip(results, body.results, strict=True)],
        inner.constants,
    )
    back = int(a["reverse"])
    directions = {
        "scan_input_directions": [back] * a["sequences"],
        "scan_output_directions": [back] * (len(results) - a["states"]),
    }
    made = w.node(
        "Scan",
        inputs[:many],
        len(results),
        body=graph,
        num_scan_inputs=a["sequences"],
        **{k: v for k, v in directions.items() if v},
    )
    return [made] if len(results) == 1 else made


def value_info(name: str, dtype: np.dtype, shape: Sequence[int | str | None] | None) -> Any:
    """Return the type of an input or a result."""
    from onnx import helper

    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)


NodeRule = Callable[[Writer, Expression, list[str]], Any]
NODE_RULES: dict[str, NodeRule] = {
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
    **dict.fromkeys(REDUCTIONS, _reduce),
    **dict.fromkeys(("any", "all"), _truths),
    **dict.fromkeys(("argmax", "argmin"), _arg),
    "softmax": _along("Softmax"),
    "log_softmax": _along("LogSoftmax"),
    "cumsum": _cumsum,
    **dict.fromkeys(("reshape", "broadcast_to"), _shape),
    **dict.fromkeys(("transpose", "swapaxes"), _permuted),
    "expand_dims": _expand_dims,
    "slice": _slice,
    "concatenate": _concatenate,
    "conv1d": _conv1d,
    "take": _take("Gather"),
    "take_along_axis": _take("GatherElements"),
}
