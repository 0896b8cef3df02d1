"""The reader's cells: the code of a notebook or py:percent file, one as the other, and which exercises are begun."""

import ast
import re
from pathlib import Path

from lingon.core.errors import DataError
from lingon.core.files import read_json

MARK = re.compile(r"^# ?%%(.*)$", re.MULTILINE)
PROSE = re.compile(r"\[(markdown|md|raw)\]")
MAGIC = re.compile(r"^[ \t]*([%!?].*|[\w.]+\?{1,2}[ \t]*)$", re.MULTILINE)  # %matplotlib, !ls, ?name and name?


def code_cells(path: Path) -> list[str]:
    """The code of each cell of a notebook (.ipynb) or a py:percent file (.py). Raises DataError that names the file."""
    return [_without_magic(body).strip("\n") for prose, body in _cells(path) if not prose]


def as_percent(path: Path) -> str:
    """A notebook as a py:percent file: prose as comments, code as it is, magic commands as comments."""
    parts = []
    for prose, body in _cells(path):
        body = body.strip("\n")
        if prose:
            body = "\n".join(f"# {line}".rstrip() for line in body.split("\n"))
        elif not is_python(body):
            body = MAGIC.sub(r"# \g<0>", body)
        parts.append(f"# %%{' [markdown]' * prose}\n{body}\n")
    return "\n".join(parts)


def is_python(cell: str) -> bool:
    """Whether a cell can be parsed as it is."""
    try:
        ast.parse(cell)
    except (SyntaxError, ValueError):
        return False
    return True


def is_begun(cells: list[str], function: str) -> bool:
    """Whether the reader wrote something in place of the `...` of the lesson."""
    mine = [cell for cell in cells if re.search(rf"^def {function}\b", cell, re.MULTILINE)]
    if not mine:
        return False
    if not is_python(mine[-1]):
        return True
    functions = (node for node in ast.parse(mine[-1]).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    found = [node for node in functions if node.name == function]
    return bool(found) and not any(_is_ellipsis(node) for node in found[-1].body)


def _is_ellipsis(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is ...


def _without_magic(cell: str) -> str:
    """A cell as Python: a line that starts with % may be magic, or the second half of a long line."""
    return cell if is_python(cell) else MAGIC.sub("", cell)


def _cells(path: Path) -> list[tuple[bool, str]]:
    """For each cell whether it is prose, and its text."""
    if path.suffix == ".ipynb":
        return _notebook_cells(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text (byte {error.start})") from None
    parts = MARK.split(text)  # text before the first mark, then kind, body, kind, body ...
    cells = [(bool(PROSE.search(kind)), body) for kind, body in zip(parts[1::2], parts[2::2], strict=True)]
    return [(False, parts[0])] * bool(parts[0].strip()) + cells


def _notebook_cells(path: Path) -> list[tuple[bool, str]]:
    content = read_json(path)
    try:
        cells = [(cell["cell_type"] != "code", "".join(cell["source"])) for cell in content["cells"]]
    except (KeyError, TypeError):
        raise DataError(f"{path}: not a notebook (no list of cells with their source)") from None
    return cells
