"""Errors that show the line and the operands of the user's expression, not a place inside of this package."""

import ast
import linecache
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from lingon.core.errors import UserError

HERE = str(Path(__file__).parent)


class MathError(UserError, RuntimeError):
    """Shapes, dtypes or graphs that do not fit. Also a RuntimeError, which is what PyTorch raises here."""


class PlaceError(UserError, IndexError):
    """An index or a dimension that is not there. Also an IndexError, which ends a loop over rows."""


class KindError(UserError, TypeError):
    """A value of a kind that no array can be made of, or that has no length. Also a TypeError."""


def fail(message: str, kind: type[UserError] = MathError) -> NoReturn:
    """Raises the error with the user's line at its end."""
    frame = _users_frame()
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip() if frame else ""
    line = line if len(line) <= 120 else line[:117] + "..."
    where = f", in line {frame.f_lineno} of {Path(frame.f_code.co_filename).name}: {line}" if line else ""
    raise kind(message + where)


def operands(*shown: str) -> str:
    """What is shown of each operand, with the name it has in the user's expression: `W [3, 5] and x [7]`."""
    names = _names(len(shown)) or ["the first", "the second", *(f"number {i}" for i in range(3, len(shown) + 1))]
    return " and ".join(f"{name} {what}" for name, what in zip(names, shown, strict=False))


def _users_frame() -> FrameType | None:
    """The innermost frame that is not of this package."""
    frame = sys._getframe(1)
    while frame and frame.f_code.co_filename.startswith(HERE):
        frame = frame.f_back
    return frame


def _names(count: int) -> list[str] | None:
    """The operands of the expression that the user's frame computes at this moment, if they can be told."""
    frame = _users_frame()
    positions: Callable = getattr(frame and frame.f_code, "co_positions", tuple)
    place = list(positions())[frame.f_lasti // 2 : frame.f_lasti // 2 + 1] if frame else []
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
    parts = _parts(getattr(node, "value", node) if isinstance(node, ast.Expr) else node, count)
    return [_short(ast.unparse(part)) for part in parts] if len(parts) == count else None


def _parts(node: ast.AST, count: int) -> list[ast.AST]:
    match node:
        case ast.BinOp():
            return [node.left, node.right]
        case ast.AugAssign():
            return [node.target, node.value]
        case ast.Compare():
            return [node.left, *node.comparators]
        case ast.Call(func=ast.Attribute(value=owner), args=args):
            return list(args[:count]) if len(args) >= count else [owner, *args]
        case ast.Call(args=args):
            return list(args[:count])
    return []


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
