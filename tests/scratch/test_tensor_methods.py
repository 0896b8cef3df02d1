"""What editors and type checkers are told of the methods of Tensor is what is there."""

import ast
import inspect
from pathlib import Path

import lingon.scratch
from lingon.scratch import Tensor

STUB = Path(lingon.scratch.__file__).with_name("tensor_methods.pyi")
SIGNS = ("__getitem__", "__setitem__", "__contains__")


def told():
    (methods,) = (node for node in ast.parse(STUB.read_text()).body if isinstance(node, ast.ClassDef))
    return {node.name: node.args for node in methods.body if isinstance(node, ast.FunctionDef)}


def test_every_method_is_told_with_its_arguments():
    for name, stub in told().items():
        there = inspect.getattr_static(Tensor, name)
        if isinstance(there, property):
            continue
        _, *arguments = inspect.signature(inspect.unwrap(there)).parameters.values()
        said = [*stub.posonlyargs, *stub.args[1:], *([stub.vararg] if stub.vararg else []), *stub.kwonlyargs]
        assert [a.arg for a in said] == [p.name for p in arguments], name
        optional = [p for p in arguments if p.default is not p.empty]
        assert len(stub.defaults) + sum(d is not None for d in stub.kw_defaults) == len(optional), name


def test_no_method_is_left_out():
    source = Path(lingon.scratch.tensor.__code__.co_filename).with_name("tensor.py").read_text()
    own = {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
    public = {name for name, value in vars(Tensor).items() if callable(value) or isinstance(value, property)}
    assert {name for name in public - own if not name.startswith("__")} <= set(told())
