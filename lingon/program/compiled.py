"""compile(D): a program that is called with arrays or tensors, and planned once for each set of shapes."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.errors import UserError
from lingon.program.arguments import bind_arguments, check_names, check_types, is_tensor
from lingon.program.expression import Expression, as_expression
from lingon.program.gradient import by_name, gradient_of
from lingon.program.memory_check import check_memory
from lingon.program.operator_types import Type
from lingon.program.passes import as_written, optimised
from lingon.program.plain_values import dtype_of, shape_tuple
from lingon.program.plan import Plan, PlanOptions
from lingon.program.specialise import specialise
from lingon.program.text import format_program
from lingon.program.topological_order import topological_order
from lingon.program.variable import Variable

READY = 64  # maximum number of plans that are cached


class Program:
    """A compiled program: named expressions, called with values for their variables.

    It can be printed, drawn, saved, exported, and planned for given shapes (`plan`). As a sequence it contains its
    expressions, so that those of `dA, dB = gradient(D, [A, B])` can be used in further expressions.
    """

    def __init__(self, outputs: Mapping[str, Expression], form: str, how: PlanOptions):
        """Make a program. form: what a call returns: "one" array, a "tuple", or a "dict" by names of outputs."""
        self.outputs, self.form, self.how = dict(outputs), form, how
        self.variables = _variables(list(self.outputs.values()))
        self._ready: OrderedDict[tuple, Plan] = OrderedDict()

    @property
    def inputs(self) -> list[str]:
        """Return the names of its variables, in the order of their first use."""
        return list(self.variables)

    def __call__(self, **values: Any) -> Any:
        """Return the results for arrays, numbers or torch tensors; if one of them is a tensor, the results are tensors.

        Raises UserError for a variable without a value, a value without a variable, and types that do not fit.
        """
        arrays = bind_arguments(values, self.variables)
        results = self._plan([Type(a.shape, a.dtype) for a in arrays]).run(arrays)
        tensors = [v for v in values.values() if is_tensor(v)]
        if tensors:
            from lingon.program.tensors import as_tensors

            results = as_tensors(results, tensors)
        return self._formed(results)

    def plan(self, **types: Any) -> Plan:
        """Return the execution plan for arrays, or for types as in x=((3, 5), "float32"), to print and to draw.

        Without arguments, the declared types of its variables are used, or else those of the last call.
        """
        if not types and self._ready and not all(isinstance(v.type, Type) for v in self.variables.values()):
            return next(reversed(self._ready.values()))
        given = {n: v.type for n, v in self.variables.items() if isinstance(v.type, Type)} | types
        check_names(given, self.variables)
        found = [_type(given[name], name) for name in self.variables]
        check_types(found, self.variables)
        return self._plan(found)

    def _plan(self, types: Sequence[Type]) -> Plan:
        key = tuple((t.shape, t.dtype) for t in types)
        ready = self._ready
        if key not in ready:
            inputs = {n: Variable(n, t.shape, t.dtype) for n, t in zip(self.variables, types, strict=True)}
            roots = specialise(list(self.outputs.values()), inputs)
            plan = Plan(roots, list(inputs.values()), self.how)
            check_memory(plan)
            ready[key] = plan
            if len(ready) > READY:
                ready.popitem(last=False)
        ready.move_to_end(key)
        return ready[key]

    def _formed(self, results: Sequence[Any]) -> Any:
        if self.form == "one":
            return results[0]
        return tuple(results) if self.form == "tuple" else dict(zip(self.outputs, results, strict=True))

    def __iter__(self) -> Iterator[Expression]:
        return iter(self.outputs.values())

    def __len__(self) -> int:
        return len(self.outputs)

    def __getitem__(self, which: int | str) -> Expression:
        return self.outputs[which] if isinstance(which, str) else list(self.outputs.values())[which]

    def __str__(self) -> str:
        roots = list(self.outputs.values())
        declared = ", ".join(_declared(v) for v in self.variables.values())
        return format_program(self.outputs, topological_order(roots), f"program({declared})")

    def draw(self) -> str:
        """Return a drawing of the graph as SVG text."""
        from lingon.program.picture import draw_graph

        return draw_graph(self.outputs)

    def save(self, path: str | Path) -> None:
        """Write a JSON file, and a safetensors file with the constants beside it (storage.py)."""
        from lingon.program.storage import save

        save(self, Path(path))

    def to_onnx(self, path: str | Path, **examples: Any) -> float:
        """Write an ONNX model, checked against this program with onnxruntime; see `to_onnx.export_onnx`."""
        from lingon.program.to_onnx import export_onnx

        return export_onnx(self, Path(path), examples)


def compile(outputs: Any, optimise: bool = True, fuse: bool = True, share: bool = True) -> Program:
    """Return the program of one expression, of several in a list, or of several by name in a dictionary.

    optimise: constant folding, simplification, common subexpressions. fuse: run element-wise chains block by block.
    share: values whose live ranges do not overlap share memory. Raises UserError when two variables with the same name
    differ.
    """
    how = PlanOptions(optimised if optimise else as_written, fuse, share)
    if isinstance(outputs, Program):
        return Program(outputs.outputs, outputs.form, how)
    if isinstance(outputs, Mapping):
        bad = [name for name in outputs if not (isinstance(name, str) and name.isidentifier())]
        if bad:
            raise UserError(f"outputs are named like variables of Python's, and {bad[0]!r} is not")
        return Program({name: as_expression(x) for name, x in outputs.items()}, "dict", how)
    many = isinstance(outputs, (list, tuple))
    values = [as_expression(x) for x in (outputs if many else [outputs])]
    if not values:
        raise UserError("there is nothing to compile: the list of outputs is empty")
    named = {f"output{i}": x for i, x in enumerate(values)} if many else {"output": values[0]}
    return Program(named, "tuple" if many else "one", how)


def gradient(target: Any, wrt: Any, seed: Any = None) -> Program:
    """Return a program of the gradients of sum(target), or of sum(target * seed), with respect to expressions or names.

    wrt: one (a call returns one array) or a list (a call returns a tuple). The members of the program are expressions,
    which can be differentiated again.
    """
    target = target[0] if isinstance(target, Program) and len(target) == 1 else target
    if isinstance(target, Program):
        raise UserError(f"a gradient is of one expression, and this program has {len(target)}; pick one, as in f[0]")
    target = as_expression(target)
    many = isinstance(wrt, (list, tuple, Program))
    xs = [by_name(target, x) if isinstance(x, str) else x for x in (wrt if many else [wrt])]
    if not xs or not all(isinstance(x, Expression) for x in xs):
        raise UserError("gradient wants expressions or names of variables to differentiate by, such as [A, B]")
    found = gradient_of(target, xs, seed)
    names = [x.attributes["name"] if x.op == "variable" else f"{i}" for i, x in enumerate(xs)]
    return Program(
        {f"d_{n}": g for n, g in zip(_apart(names), found, strict=True)}, "tuple" if many else "one", PlanOptions()
    )


def _apart(names: list[str]) -> list[str]:
    return [n if names.count(n) == 1 else f"{n}_{i}" for i, n in enumerate(names)]


def _variables(roots: Sequence[Expression]) -> dict[str, Expression]:
    found: dict[str, Expression] = {}
    for node in topological_order(roots):
        if node.op == "variable":
            known = found.setdefault(node.attributes["name"], node)
            if known.attributes != node.attributes:
                raise UserError(
                    f"two variables {node.attributes['name']!r} are declared as {_declared(known)} ({known.line}) "
                    f"and {_declared(node)} ({node.line}); declare it once, or give one another name"
                )
    return found


def _declared(variable: Expression) -> str:
    shape, dtype = variable.attributes["shape"], variable.attributes["dtype"]
    said = f"{dtype or ''}{'' if shape is None else '[' + ', '.join(map(str, shape)) + ']'}"
    return f"{variable.attributes['name']}: {said}" if said else variable.attributes["name"]


def _type(given: Any, name: str) -> Type:
    if isinstance(given, Type):
        return given
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], (tuple, list)):
        return Type(shape_tuple(given[0]), dtype_of(given[1]))
    from lingon.program.arguments import to_array

    array: np.ndarray = to_array(name, given)
    return Type(array.shape, array.dtype)
