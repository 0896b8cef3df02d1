"""The part of a lesson that an answer needs: a program of its own, which runs without the lesson's trainings.

A backward slice: M. Weiser, Program slicing, 1981. An answer may use whatever is defined in its notebook, as it can
when the notebook is run: functions that the lesson built, helpers in other cells, constants. Of all these only what
the answer names, and what that names in turn, is kept.
"""

import ast
import re
import symtable
from collections.abc import Iterable
from dataclasses import dataclass

from lingon.core.errors import UserError
from lingon.learn.cells import is_python

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)  # what these use is needed when they are called
IMPORTS = (ast.Import, ast.ImportFrom)
WHOLE = (*DEFINITIONS, *IMPORTS, ast.Assign, ast.AnnAssign)  # a name has no value from before once they have run


@dataclass(frozen=True)
class Statement:
    """One statement of a cell, outside functions.

    binds: names that it gives a value, or whose value it changes. whole: those whose older value is gone then.
    uses: names of the notebook that it needs, now or when it is called.
    """

    cell: int
    node: ast.stmt
    source: str
    binds: frozenset[str]
    whole: frozenset[str]
    uses: frozenset[str]


def answer(cells: list[str], function: str) -> str:
    """The program that defines `function` as the notebook does when its cells are run in order.

    It holds the definitions, imports and assignments of the function's cell, and of the other cells what these need.
    Names are looked up in the cells as far as the one that calls `attempt`, then in those below. Calls that only show
    something, and trainings whose results the answer does not name, stay out. Raises UserError with one line when the
    function is missing or its cell is not Python.
    """
    home = _home(cells, function)
    tries = (i for i, cell in enumerate(cells) if i >= home and re.search(rf"^attempt\(\s*{function}\b", cell, re.M))
    last = next(tries, home)
    parts = [statement for i, cell in enumerate(cells) for statement in _statements(i, cell)]
    own = {i for i, s in enumerate(parts) if s.cell == home and isinstance(s.node, WHOLE)}
    stars = {i for i, s in enumerate(parts) if isinstance(s.node, ast.ImportFrom) and s.node.names[0].name == "*"}
    chosen = _needed(parts, own, function, sum(s.cell <= last for s in parts)) | stars
    future = [s.source for s in parts if isinstance(s.node, ast.ImportFrom) and s.node.module == "__future__"]
    return "\n\n".join(dict.fromkeys([*future, *(parts[i].source for i in sorted(chosen))])) + "\n"


def _needed(parts: list[Statement], own: set[int], function: str, end: int) -> set[int]:
    """Places of the statements that are needed when the function is called after `end` statements."""
    chosen: set[int] = set()
    seen, queue = set(), [(function, end)]  # a name, and the place where its value is wanted

    def choose(i: int, called: int) -> None:
        """Takes a statement. Names inside a definition are looked up where it is called, all others where it stands."""
        chosen.add(i)
        queue.extend((name, i) for name in parts[i].uses)
        if isinstance(parts[i].node, DEFINITIONS):
            queue.extend((name, called) for name in parts[i].uses)

    for i in own:
        choose(i, end)
    while queue:
        name, place = wanted = queue.pop()
        if wanted not in seen:
            seen.add(wanted)
            for i in _values(parts, name, place) or (_values(parts, name, len(parts)) if place == end else []):
                choose(i, place)
    return chosen


def _values(parts: list[Statement], name: str, place: int) -> list[int]:
    """Places of the statements that give a name the value it has before the statement at `place`."""
    found = []
    for i in reversed(range(place)):
        if name in parts[i].binds:
            found.append(i)
        if name in parts[i].whole:
            break
    imports = [i for i in found if isinstance(parts[i].node, IMPORTS)]
    return imports or found  # plt.show() does not change the module


def _home(cells: list[str], function: str) -> int:
    """The last cell that defines the function, outside other functions."""
    begins = re.compile(rf"^def {function}\b", re.MULTILINE)
    found = [
        i for i, cell in enumerate(cells) if (_defines(cell, function) if is_python(cell) else begins.search(cell))
    ]
    if not found:
        raise UserError(f"there is no function {function}(...) in this copy; a fresh copy in another folder has it")
    _parse(cells[found[-1]])
    return found[-1]


def _defines(cell: str, function: str) -> bool:
    defined = (n for part in ast.parse(cell).body for n in _outside_functions(part) if isinstance(n, ast.FunctionDef))
    return any(node.name == function for node in defined)


def _statements(number: int, cell: str) -> Iterable[Statement]:
    if not is_python(cell):
        return  # an unfinished cell elsewhere is no reason to fail this exercise
    lines = cell.splitlines()
    for node in ast.parse(cell).body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        source = "\n".join(lines[first - 1 : node.end_lineno])
        table = symtable.symtable(ast.unparse(node), "cell", "exec")
        bound = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
        dotted = isinstance(node, ast.Import) and any("." in n.name and not n.asname for n in node.names)
        whole = frozenset(bound if isinstance(node, WHOLE) and not dotted else ())  # `import a.b` keeps a.c
        yield Statement(number, node, source, whole | bound | _changed(node), whole, frozenset(_used(table)))


def _used(table: symtable.SymbolTable) -> set[str]:
    """Names of the notebook that a piece of code reads, in its functions and classes too."""
    outside = table.get_type() == "module"
    names = {s.get_name() for s in table.get_symbols() if s.is_referenced() and (outside or s.is_global())}
    return names.union(*(_used(part) for part in table.get_children()))


def _changed(node: ast.stmt) -> set[str]:
    """Names whose value is changed in place: `x[0] = 1`, `x.y = 1`, `x.append(1)`."""
    parts = list(_outside_functions(node))
    places = [n for n in parts if isinstance(n, ast.Subscript | ast.Attribute) and not isinstance(n.ctx, ast.Load)]
    calls = [n.value.func for n in parts if isinstance(n, ast.Expr) and isinstance(n.value, ast.Call)]
    return {name for place in places + [c for c in calls if isinstance(c, ast.Attribute)] if (name := _root(place))}


def _root(node: ast.expr) -> str:
    """The name at the beginning of `x[0].y`; nothing for other expressions."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _outside_functions(node: ast.AST) -> Iterable[ast.AST]:
    yield node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
        for part in ast.iter_child_nodes(node):
            yield from _outside_functions(part)


def _parse(cell: str) -> ast.Module:
    try:
        return ast.parse(cell)
    except SyntaxError as error:
        number = error.lineno or 0
        line = cell.splitlines()[number - 1].strip() if 0 < number <= cell.count("\n") + 1 else ""
        raise UserError(f"line {error.lineno} of the cell is not Python ({error.msg}): {line}") from None
    except ValueError as error:  # a NUL character
        raise UserError(f"the cell is not Python ({error})") from None
