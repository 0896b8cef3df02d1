"""The reader's code: the cell of an exercise in a notebook or py:percent file, and what it needs to run alone."""

import ast
import re
from pathlib import Path

from lingon.core.errors import DataError, UserError
from lingon.core.files import read_json

KEPT = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
MARK = re.compile(r"^# %%(.*)$", re.MULTILINE)
MAGIC = re.compile(r"^[ \t]*[%!].*$", re.MULTILINE)


def code_cells(path: Path) -> list[str]:
    """The code of each cell of a notebook (.ipynb) or a py:percent file (.py). Raises DataError that names the file."""
    if path.suffix == ".ipynb":
        cells = _notebook_cells(path)
    else:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: not UTF-8 text (byte {error.start})") from None
        parts = MARK.split(text)  # text before the first mark, then kind, body, kind, body ...
        cells = [body for kind, body in zip(parts[1::2], parts[2::2], strict=True) if "[markdown]" not in kind]
    return [MAGIC.sub("", cell).strip("\n") for cell in cells]


def _notebook_cells(path: Path) -> list[str]:
    content = read_json(path)
    try:
        sources = [cell["source"] for cell in content["cells"] if cell["cell_type"] == "code"]
        return ["".join(source) for source in sources]
    except (KeyError, TypeError):
        raise DataError(f"{path}: not a notebook (no list of cells with their source)") from None


def answer(cells: list[str], function: str) -> str:
    """A small program: the definitions of the cell that defines `function`, and the imports of all cells that it uses.

    Everything else stays out, so that a check needs no training, no data and little time. Raises UserError with one
    line when the function is missing or its cell is not Python.
    """
    mine = [cell for cell in cells if re.search(rf"^def {function}\(", cell, re.MULTILINE)]
    if not mine:
        raise UserError(f"there is no function {function}(...) in this copy; a fresh copy in another folder has it")
    kept = [node for node in _parse(mine[-1]).body if isinstance(node, KEPT)]
    used = {node.id for part in kept for node in ast.walk(part) if isinstance(node, ast.Name)}
    imports = [node for cell in cells for node in _imports(cell, used)]
    return "\n".join(dict.fromkeys(map(ast.unparse, imports))) + "\n\n" + "\n\n".join(_source(mine[-1], kept)) + "\n"


def _source(cell: str, nodes: list[ast.stmt]) -> list[str]:
    """The lines of the nodes as the reader wrote them, comments and all."""
    lines = cell.splitlines()
    first = [min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) for node in nodes]
    return ["\n".join(lines[a - 1 : node.end_lineno]) for a, node in zip(first, nodes, strict=True)]


def _imports(cell: str, used: set[str]) -> list[ast.stmt]:
    try:
        nodes = [node for node in ast.parse(cell).body if isinstance(node, ast.Import | ast.ImportFrom)]
    except (SyntaxError, ValueError):
        return []  # an unfinished cell elsewhere is no reason to fail this exercise
    for node in nodes:
        node.names = [name for name in node.names if (name.asname or name.name.split(".")[0]) in used | {"*"}]
    return [node for node in nodes if node.names]


def _parse(cell: str) -> ast.Module:
    try:
        return ast.parse(cell)
    except SyntaxError as error:
        line = cell.splitlines()[error.lineno - 1].strip() if 0 < (error.lineno or 0) <= cell.count("\n") + 1 else ""
        raise UserError(f"line {error.lineno} of the cell is not Python ({error.msg}): {line}") from None
    except ValueError as error:  # a NUL character
        raise UserError(f"the cell is not Python ({error})") from None
