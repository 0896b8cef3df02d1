"""Reads and validates the nodes of a program's file."""

from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.errors import DataError, UserError, unknown
from lingon.core.files import sha256_of
from lingon.program.expression import Expression, apply_operator, constant
from lingon.program.loops import LoopBody, loop_item, loop_of
from lingon.program.operator_types import Mismatch, is_int64
from lingon.program.operators import OPERATORS, check_operator
from lingon.program.source_location import caller_line
from lingon.program.variable import Variable

NODES, DEPTH, BESIDE = 100_000, 8, 1 << 40  # maximum nodes, nesting of loops, bytes of constants
WORDS = {"inf": float("inf"), "-inf": -float("inf"), "nan": float("nan")}
KEYS = {
    "variable": {"op", "name", "shape", "dtype"},
    "item": {"op", "inputs", "index"},
    "gradient": {"op", "inputs", "wrt"},
    "scan": {"op", "inputs", "states", "sequences", "reverse", "body"},
}


class NodeReader:
    """The reader of one file: its path for messages, its constants, and the number of nodes read."""

    def __init__(self, path: Path, constants: Any):
        self.path, self.read, self.line = path, 0, caller_line()
        self.arrays = self._arrays(constants)

    def nodes(self, listed: Any, where: str = "node", depth: int = 0) -> list[Expression]:
        """Return the expressions of a list of nodes. Raises DataError that names the node."""
        if not isinstance(listed, list) or not all(isinstance(n, dict) for n in listed):
            raise DataError(f"{self.path}: nodes must be a list of objects")
        self.read += len(listed)
        if self.read > NODES or depth > DEPTH:
            raise DataError(
                f"{self.path}: {self.read:,} nodes, loops {depth} deep; at most {NODES:,} and {DEPTH} are read"
            )
        made: list[Expression] = []
        for place, node in enumerate(listed):
            said = f"{self.path}: {where} {place}"
            try:
                made.append(self._node(node, made, said, depth))
            except DataError:
                raise
            except (UserError, OverflowError) as error:
                raise DataError(f"{said} ({str(node.get('op'))[:40]}): {error}") from None
        return made

    def _node(self, node: dict[str, Any], before: list[Expression], said: str, depth: int) -> Expression:
        op = node.get("op")
        if not isinstance(op, str) or op not in {"variable", "constant", "item", "gradient", "scan", *OPERATORS}:
            raise DataError(f"{said}: {unknown('operator', str(op)[:40], [*OPERATORS, 'scan', 'gradient'])}")
        wanted = KEYS.get(op) or ({"op", "inputs", *OPERATORS[op].attributes} if op in OPERATORS else None)
        if wanted is not None and set(node) != wanted:
            raise DataError(f"{said} ({op}): has the keys {sorted(node)}, expected {sorted(wanted)}"[:400])
        if op == "variable":
            return self._variable(node, said)
        if op == "constant":
            return self._constant(node, said)
        inputs = self._inputs(node["inputs"], before, said)
        if op == "item":
            return self._item(node, inputs, said)
        if any(i.op in ("scan", "gradient") for i in inputs):
            raise DataError(f"{said} ({op}): an operand has several results; an item must pick one")
        if op == "gradient":
            return self._gradient(node, inputs, said)
        if op == "scan":
            return self._scan(node, inputs, said, depth)
        attributes = {name: _tuples(node[name]) for name in OPERATORS[op].attributes}
        try:
            check_operator(OPERATORS[op], len(inputs), attributes)
        except Mismatch as problem:
            raise DataError(f"{said} ({op}): {problem}") from None
        return apply_operator(op, inputs, attributes, self.line)

    def _inputs(self, listed: Any, before: list[Expression], said: str) -> list[Expression]:
        if not isinstance(listed, list) or not all(type(i) is int and i >= 0 for i in listed):
            raise DataError(f"{said}: inputs must be a list of places of nodes")
        if late := [i for i in listed if i >= len(before)]:
            raise DataError(f"{said}: takes node {late[0]}, which does not come before it: the program has a cycle")
        return [before[i] for i in listed]

    def _variable(self, node: dict[str, Any], said: str) -> Expression:
        shape = node["shape"]
        if not isinstance(node["name"], str) or not (node["dtype"] is None or isinstance(node["dtype"], str)):
            raise DataError(f"{said}: a variable's name must be a text, its dtype a text or null")
        if shape is not None and not (
            isinstance(shape, list) and all(is_int64(n) or isinstance(n, str) for n in shape)
        ):
            raise DataError(f"{said}: shape must be null, or a list of sizes and letters")
        return Variable(node["name"], None if shape is None else tuple(shape), node["dtype"])

    def _constant(self, node: dict[str, Any], said: str) -> Expression:
        if set(node) == {"op", "number"}:
            number = node["number"]
            number = WORDS.get(number, number) if isinstance(number, str) else number
            if type(number) in (bool, float) or is_int64(number):
                return constant(number)
        elif set(node) == {"op", "array"} and isinstance(node["array"], str):
            if node["array"] not in self.arrays:
                raise DataError(f"{said}: {unknown('constant', node['array'], self.arrays)}")
            return constant(self.arrays[node["array"]])
        raise DataError(f"{said}: a constant has a number, or the name of an array")

    def _item(self, node: dict[str, Any], inputs: list[Expression], said: str) -> Expression:
        many = inputs[0] if len(inputs) == 1 else None
        if many is None or many.op not in ("scan", "gradient"):
            raise DataError(f"{said}: an item is picked from one node that has several results")
        results = many.attributes["wrt"] if many.op == "gradient" else len(many.attributes["body"].results)
        if type(node["index"]) is not int or not 0 <= node["index"] < results:
            raise DataError(f"{said}: index is {str(node['index'])[:40]}, and there are {results} results")
        return loop_item(many, node["index"])

    def _gradient(self, node: dict[str, Any], inputs: list[Expression], said: str) -> Expression:
        wrt = node["wrt"]
        if type(wrt) is not int or wrt < 1 or len(inputs) - wrt not in (1, 2):
            raise DataError(
                f"{said}: a gradient has a target, perhaps a seed, and {str(wrt)[:40]} expressions to derive by"
            )
        return Expression("gradient", inputs, {"wrt": wrt}, None, self.line)

    def _scan(self, node: dict[str, Any], inputs: list[Expression], said: str, depth: int) -> Expression:
        body, states, sequences = node["body"], node["states"], node["sequences"]
        if not isinstance(body, dict) or set(body) != {"nodes", "parameters", "results"}:
            raise DataError(f"{said}: the body of a scan has nodes, parameters and results")
        inner = self.nodes(body["nodes"], f"{said.removeprefix(f'{self.path}: ')}, inner node", depth + 1)
        parameters, results = (self._inputs(body[name], inner, said) for name in ("parameters", "results"))
        names = [p.attributes["name"] for p in parameters if p.op == "variable"]
        free = {n.attributes["name"] for n in inner if n.op == "variable"}
        if len(set(names)) < len(parameters) or not free <= set(names):
            raise DataError(f"{said}: the variables of a scan's body must be its parameters, each once")
        counts = type(states) is int and type(sequences) is int and states >= 0 and sequences >= 1
        fits = (
            counts and len(inputs) == len(parameters) and states + sequences <= len(inputs) and len(results) >= states
        )
        if not fits or type(node["reverse"]) is not bool or any(r.op in ("scan", "gradient") for r in results):
            raise DataError(f"{said}: a scan's states, sequences, operands, parameters and results do not fit together")
        return loop_of(LoopBody(tuple(parameters), tuple(results)), inputs, states, sequences, node["reverse"])

    def _arrays(self, constants: Any) -> dict[str, np.ndarray]:
        if constants is None:
            return {}
        keys = isinstance(constants, dict) and set(constants) == {"file", "sha256"}
        if not keys or not all(isinstance(v, str) for v in constants.values()):
            raise DataError(f"{self.path}: constants must be null, or a file and its sha256")
        beside = self.path.with_suffix(".safetensors")
        if constants["file"] != beside.name and Path(constants["file"]).name != constants["file"]:
            raise DataError(f"{self.path}: the constants' file {constants['file'][:80]!r} must lie beside the program")
        beside = self.path.parent / constants["file"]
        if not beside.is_file():
            raise DataError(f"{beside}: no such file; {self.path.name} has its constants in it")
        if beside.stat().st_size > BESIDE or sha256_of(beside) != constants["sha256"]:
            raise DataError(f"{beside}: not the constants of {self.path.name} (its sha256 is another); copy both again")
        return _tensors(beside)


def _tensors(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a safetensors file, whose reader checks all sizes against the file's before allocating."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: not a complete safetensors file ({str(error)[:200]})") from None


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
