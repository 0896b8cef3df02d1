"""Errors that show the line and the operands of the user's expression, not a line of this package."""

import ast
import linecache
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType, ModuleType
from typing import NoReturn

from lingon.core.errors import UserError

HERE = str(Path(__file__).parent)


class MathError(UserError, RuntimeError):
    """Shapes, dtypes or graphs do not fit. Also a RuntimeError, as in PyTorch."""


class ArrayIndexError(UserError, IndexError):
    """An index or a dimension is out of range. Also an IndexError, which ends a loop over rows."""


class ArrayTypeError(UserError, TypeError):
    """A value cannot be converted to an array, or has no length. Also a TypeError."""


def fail(message: str, kind: type[UserError] = MathError) -> NoReturn:
    """Raise an error whose message ends with the user's line."""
    frame = _users_frame()
    if frame is None:
        raise kind(message)
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    line = line if len(line) <= 120 else line[:117] + "..."
    where = f", in line {frame.f_lineno} of {Path(frame.f_code.co_filename).name}: {line}" if line else ""
    raise kind(message + where)


def operands(*shown: str, called: Sequence[str] = ()) -> str:
    """Return the operands as text, each with its name in the user's expression: `W [3, 5] and x [7]`.

    called: names for operands that are not in the user's expression, such as the weight of a layer.
    """
    counted = ["the first", "the second", *(f"number {i}" for i in range(3, len(shown) + 1))]
    names = _names(shown) or called or (counted if len(shown) > 1 else [""])
    return " and ".join(f"{name} {what}".strip() for name, what in zip(names, shown, strict=False))


def _users_frame() -> FrameType | None:
    """Return the innermost frame outside this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame and frame.f_code.co_filename.startswith(HERE):
        frame = frame.f_back
    return frame


def _names(shown: Sequence[str]) -> list[str] | None:
    """Return the operands of the expression that the user's frame is evaluating, if they can be determined."""
    frame = _users_frame()
    if frame is None:
        return None
    positions: Callable = getattr(frame.f_code, "co_positions", tuple)
    place = list(positions())[frame.f_lasti // 2 : frame.f_lasti // 2 + 1]
    if not place or None in place[0]:
        return None
    first, last, start, end = place[0]
    lines = [linecache.getline(frame.f_code.co_filename, i).encode() for i in range(first, last + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    try:
        node = ast.parse(b"".join(lines).decode().strip()).body[0]
    except (SyntaxError, ValueError, IndexError):
        return None
    parts = _parts(getattr(node, "value", node) if isinstance(node, ast.Expr) else node, len(shown), frame)
    if len(parts) != len(shown) or not all(_may_be(*pair, frame) for pair in zip(parts, shown, strict=True)):
        return None
    return [_short(ast.unparse(part)) for part in parts]


def _parts(node: ast.AST, count: int, frame: FrameType) -> Sequence[ast.AST]:
    match node:
        case ast.BinOp():
            return [node.left, node.right]
        case ast.AugAssign():
            return [node.target, node.value]
        case ast.Compare():
            return [node.left, *node.comparators]
        case ast.Subscript():
            return [node.value]
        case ast.Call(args=[ast.List(elts=items) | ast.Tuple(elts=items), *_]) if count > 1 and len(items) == count:
            return items
        case ast.Call(func=ast.Attribute(value=owner), args=args) if not isinstance(_value(owner, frame), ModuleType):
            return [owner, *args][:count]
        case ast.Call(args=args):
            return list(args[:count])
    return []


def _may_be(node: ast.AST, shown: str, frame: FrameType) -> bool:
    """Return whether a part of the expression can be the operand of this shape; if not, the error is inside it."""
    value = _value(node, frame)
    if isinstance(value, int | float):
        return shown.startswith("[]")
    if value is None:
        return not isinstance(node, ast.List | ast.Tuple)
    return hasattr(value, "shape") and shown.startswith(str(list(value.shape)))


def _value(node: ast.AST, frame: FrameType) -> object:
    """Return the value of a name, a constant or an attribute; None for anything that would have to be evaluated."""
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return frame.f_locals.get(node.id, frame.f_globals.get(node.id))
        case ast.Attribute():
            return getattr(_value(node.value, frame), "__dict__", {}).get(node.attr)
    return None


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
