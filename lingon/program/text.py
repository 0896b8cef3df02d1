"""Expressions and programs as readable text."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lingon.program.operators import OPERATORS

DEPTH = 4
TIGHTNESS = {"**": 6, "@": 5, "*": 5, "/": 5, "//": 5, "%": 5, "+": 4, "-": 4, "&": 3, "^": 2, "|": 1}


def formula(expression: Any, depth: int = DEPTH) -> str:
    """Return an expression as the user wrote it, with brackets where needed; levels below `depth` become '...'."""
    if expression.op == "variable":
        return expression.attributes["name"]
    if expression.op == "constant":
        return format_constant(expression.value)
    if depth == 0:
        return "..."
    return format_operator(expression, [formula(i, depth - 1) for i in expression.inputs], expression.inputs)


def format_operator(expression: Any, operands: Sequence[str], inputs: Sequence[Any] = ()) -> str:
    """Return an operator applied to the texts of its operands. inputs: the operands, to decide on brackets."""
    op, attributes = expression.op, expression.attributes
    symbol = _symbol(op)
    if symbol:
        return f" {symbol} ".join(_bracketed(symbol, t, inputs[k : k + 1], k) for k, t in enumerate(operands))
    if op == "item":
        return f"{operands[0]}.{attributes['index']}"
    if op == "slice":
        return f"{operands[0]}[{_index(attributes['index'])}]"
    if op == "gradient":
        return f"gradient({operands[0]}, [{', '.join(operands[-attributes['wrt'] :])}])"
    if op == "scan":
        return f"scan({', '.join(operands)})"
    said = [f"{k}={_plain(v)}" for k, v in attributes.items() if v is not None and v is not False]
    return f"{op}({', '.join([*operands, *said])})"


def format_constant(value: Any) -> str:
    """Return a constant as text: a number, or the dtype and shape of an array."""
    if not isinstance(value, np.ndarray):
        return repr(value)
    if value.ndim == 0:
        return repr(value.item())
    return f"{value.dtype}{list(value.shape)}"


def format_program(roots: Mapping[str, Any], nodes: Sequence[Any], head: str) -> str:
    """Return a program as text, one line for each value in order of computation, with its type if known."""
    names: dict[int, str] = {}
    lines = [head]
    for node in nodes:
        if node.op == "variable" or (node.op == "constant" and not np.ndim(node.value)):
            names[id(node)] = formula(node)
            continue
        names[id(node)] = f"v{sum(name.startswith('v') and name[1:].isdigit() for name in names.values())}"
        right = (
            format_constant(node.value)
            if node.op == "constant"
            else format_operator(node, [names[id(i)] for i in node.inputs])
        )
        lines.append(_line(names[id(node)], node, right))
        if node.op == "scan":
            lines += ["  " + line for line in _body(node, format_program)]
    lines += [f"  return {', '.join(_result(name, names[id(root)]) for name, root in roots.items())}"]
    return "\n".join(lines)


def _result(name: str, value: str) -> str:
    return value if name == value else f"{name}: {value}"


def _body(node: Any, format_program: Callable) -> list[str]:
    body = node.attributes["body"]
    head = f"  for {', '.join(p.attributes['name'] for p in body.parameters)}:"
    return format_program({f"r{i}": r for i, r in enumerate(body.results)}, body.nodes(), head).split("\n")


def _line(name: str, node: Any, right: str) -> str:
    known = f"  {node.type}" if node.type is not None and not isinstance(node.type, tuple) else ""
    return f"  {name} = {right:<32}{known}".rstrip()


def _symbol(op: str) -> str:
    return OPERATORS[op].symbol if op in OPERATORS else ""


def _bracketed(symbol: str, text: str, inputs: Sequence[Any], place: int) -> str:
    inner = _symbol(inputs[0].op) if inputs else ""
    tight = TIGHTNESS.get(inner, 0) - TIGHTNESS.get(symbol, 0)
    safe = not inner or text == "..." or tight > 0 or (tight == 0 and place == 0 and symbol in "+-*/@")
    return text if safe else f"({text})"


def _plain(value: Any) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value)


def _index(index: tuple) -> str:
    parts = []
    for kind, *n in index:
        if kind == "slice":
            parts.append(":".join("" if k is None else str(k) for k in (n if n[2] is not None else n[:2])))
        else:
            parts.append({"at": str(n[0]) if n else "", "new": "None", "rest": "..."}[kind])
    return ", ".join(parts)
