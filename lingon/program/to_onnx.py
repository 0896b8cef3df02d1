"""Export of a program as an ONNX model, for use from other languages; verified with onnxruntime."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.errors import UserError
from lingon.core.files import atomic_write
from lingon.core.optional_packages import install_command
from lingon.program.arguments import bind_arguments
from lingon.program.compiled import Program
from lingon.program.constant_folding import fold
from lingon.program.expression import Expression
from lingon.program.onnx_nodes import write_expressions
from lingon.program.onnx_writer import Writer, value_info
from lingon.program.operator_types import Type
from lingon.program.passes import as_written
from lingon.program.specialise import specialise
from lingon.program.subexpressions import merge_common
from lingon.program.topological_order import topological_order
from lingon.program.variable import Variable

CLOSE = 1e-4  # maximum difference from the program's results, relative to the largest of them, or to 1
OPSET, IR = 18, 10
ADVICE = "write -1 for the free size in a reshape, or declare it as a number"


def export_onnx(program: Program, path: Path, examples: Mapping[str, Any]) -> float:
    """Write an ONNX model; return the maximum difference between its results and the program's, for the examples.

    examples: a value for each variable that was not declared with shape and dtype. Sizes declared as letters, as in
    ("B", 5), are dynamic in the model, which is checked with two sizes for each. Raises UserError when an operator
    cannot be expressed in ONNX, when a dynamic size is used as a fixed one, or when results differ by more than 1e-4.
    """
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise UserError(f"export to ONNX needs {error.name}: {install_command('export')}") from None
    given = dict(zip(program.variables, bind_arguments(_values(program, examples, 3), program.variables), strict=True))
    model = _model(program, [Type(a.shape, a.dtype) for a in given.values()])
    checks = [given]
    if any(isinstance(n, str) for v in program.variables.values() for n in v.attributes["shape"] or ()):
        other = _values(program, {}, 5, given)
        try:
            again = _model(program, [Type(a.shape, a.dtype) for a in other.values()])
        except UserError as error:
            raise UserError(f"with other free sizes the program fails, {ADVICE}: {error}") from None
        if model.graph.node != again.graph.node or model.graph.initializer != again.graph.initializer:
            where = _first_difference(model, again)
            raise UserError(f"{where} has a size of the example in it where another must be possible; {ADVICE}")
        checks.append(other)
    onnx.checker.check_model(model, full_check=True)
    data = model.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    worst = max(_difference(program, session, values) for values in checks)
    with atomic_write(path, "wb") as file:
        file.write(data)
    return worst


def _values(
    program: Program, examples: Mapping[str, Any], size: int, like: Mapping[str, np.ndarray] | None = None
) -> dict:
    """Return the examples, and generated values for other variables: letters are `size`, or one more than in `like`."""
    letters = _letters(program, like or {}, size)
    rng = np.random.default_rng(0)
    values = dict(examples)
    for name, variable in program.variables.items():
        shape, dtype = variable.attributes["shape"], variable.attributes["dtype"]
        if name in values:
            continue
        if like is not None and (shape is None or dtype is None or not any(isinstance(n, str) for n in shape)):
            values[name] = like[name]
        elif shape is None or dtype is None:
            raise UserError(f"{name} was declared without shape and dtype; give an example, as in {name}=array")
        else:
            sizes = [letters[n] if isinstance(n, str) else n for n in shape]
            values[name] = rng.normal(size=sizes).astype(dtype) if dtype.kind == "f" else np.zeros(sizes, dtype)
    return {name: values.pop(name) for name in program.variables} | values


def _letters(program: Program, like: Mapping[str, np.ndarray], size: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, variable in program.variables.items():
        for i, n in enumerate(variable.attributes["shape"] or ()):
            if isinstance(n, str):
                found[n] = like[name].shape[i] + 1 + len(found) if name in like else found.get(n, size + len(found))
    return found


def _model(program: Program, types: Sequence[Type]) -> Any:
    from onnx import helper

    inputs = {n: Variable(n, t.shape, t.dtype) for n, t in zip(program.variables, types, strict=True)}
    roots = specialise(list(program.outputs.values()), inputs)
    roots = merge_common(fold(as_written(roots)))  # no further passes: sizes given as -1 must stay dynamic
    writer = Writer({})
    names: dict[int, str] = {}
    for node in (n for root in roots for n in _leaves(root)):
        names[id(node)] = node.attributes["name"]
    writer.names = names
    write_expressions(writer, roots)
    for name, root in zip(program.outputs, roots, strict=True):
        writer.nodes.append(helper.make_node("Identity", [writer.names[id(root)]], [_free(name, inputs)]))
    graph = helper.make_graph(
        writer.nodes,
        "program",
        [value_info(n, t.dtype, _declared(program, n, t)) for n, t in zip(inputs, types, strict=True)],
        [
            value_info(_free(n, inputs), r.type.dtype, [None] * len(r.shape))
            for n, r in zip(program.outputs, roots, strict=True)
        ],
        writer.constants,
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR, producer_name="lingon"
    )


def _leaves(root: Expression) -> list[Expression]:
    return [n for n in topological_order([root]) if n.op == "variable"]


def _free(name: str, inputs: Mapping[str, Any]) -> str:
    return f"{name}_out" if name in inputs else name


def _declared(program: Program, name: str, kind: Type) -> list[int | str]:
    shape = program.variables[name].attributes["shape"]
    return list(kind.shape if shape is None else shape)


def _first_difference(a: Any, b: Any) -> str:
    for x, y in zip(a.graph.initializer, b.graph.initializer, strict=False):
        if x != y:
            user = next((n for n in a.graph.node if x.name in n.input), None)
            return f"the ONNX node {user.op_type}" if user else "a constant"
    return "a node"


def _difference(program: Program, session: Any, values: Mapping[str, np.ndarray]) -> float:
    ours = program(**values)
    ours = [ours] if program.form == "one" else list(ours.values() if program.form == "dict" else ours)
    wanted = {i.name for i in session.get_inputs()}
    theirs = session.run(None, {n: np.ascontiguousarray(v) for n, v in values.items() if n in wanted})
    worst = 0.0
    for name, x, y in zip(program.outputs, ours, theirs, strict=True):
        if x.shape != y.shape or x.dtype != y.dtype:
            raise UserError(f"{name} is {x.dtype}{list(x.shape)} here and {y.dtype}{list(y.shape)} in onnxruntime")
        both = np.isfinite(x) & np.isfinite(y)
        apart = np.abs(np.where(both, x, 0).astype(float) - np.where(both, y, 0))
        scale = max(1.0, float(np.abs(x[both]).max(initial=0)))
        found = float(apart.max(initial=0)) / scale
        if not found <= CLOSE or not np.array_equal(np.isfinite(x), np.isfinite(y)):
            raise UserError(
                f"{name} of the exported model differs by {found:.2g} of its size; at most {CLOSE:g} may be"
            )
        worst = max(worst, found)
    return worst
