"""Export of each operator of a program to ONNX (opset 18), as one node or several."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lingon.core.errors import UserError
from lingon.program.elementwise import ELEMENTWISE
from lingon.program.expression import Expression
from lingon.program.onnx_elementwise import ELEMENTWISE_RULES, SAME, cast_operands
from lingon.program.onnx_writer import NodeRule, Writer, value_info
from lingon.program.operator_types import axes_of, axis_of
from lingon.program.text import formula
from lingon.program.topological_order import topological_order

REDUCTIONS = {"sum": "ReduceSum", "mean": "ReduceMean", "max": "ReduceMax", "min": "ReduceMin"}


def write_expressions(w: Writer, roots: Sequence[Expression]) -> None:
    """Write the nodes that the roots need and that have not been written yet."""
    for node in topological_order(roots):
        if id(node) in w.names:
            continue
        if node.op == "constant":
            w.names[id(node)] = w.constant(node.value, np.asarray(node.value).dtype)
        elif node.op == "item":
            w.names[id(node)] = w.names[id(node.inputs[0])][node.attributes["index"]]
        else:
            w.names[id(node)] = _operator(w, node)


def _operator(w: Writer, node: Expression) -> Any:
    inputs = [w.names[id(i)] for i in node.inputs]
    if node.op == "scan":
        return _scan(w, node, inputs)
    if node.op in ELEMENTWISE or node.op == "matmul":
        inputs = cast_operands(w, node, inputs)
    if node.op in SAME:
        return w.node(SAME[node.op], inputs)
    if node.op not in NODE_RULES:
        raise UserError(f"{formula(node)}: {node.op} cannot be written in ONNX here; export a program without it")
    return NODE_RULES[node.op](w, node, inputs)


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
    """Write an index: first slices, then axes that are removed, then new axes."""
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
    """Write a loop as ONNX Scan; its body refers to values from outside by name."""
    from onnx import helper

    a, body = node.attributes, node.attributes["body"]
    many = a["states"] + a["sequences"]
    inner = Writer({}, w.counter)
    given = [inner.fresh() for _ in range(many)]
    names = [*given, *inputs[many:]]
    inner.names = {id(p): name for p, name in zip(body.parameters, names, strict=True)}
    write_expressions(inner, body.results)
    results = [inner.node("Identity", [inner.names[id(r)]]) for r in body.results]  # each result needs its own name
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


NODE_RULES: dict[str, NodeRule] = {
    **ELEMENTWISE_RULES,
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
