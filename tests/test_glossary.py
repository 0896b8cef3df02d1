"""The glossary names what there is: each identifier is one of the code, and no concept stands twice."""

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
COLUMNS = "| name | in code | meaning | elsewhere called | shape |"


def rows() -> list[list[str]]:
    """The cells of every row of the glossary's tables."""
    lines = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    tables = [line for line in lines if line.startswith("|") and not line.startswith("|---") and line != COLUMNS]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in tables]


def identifiers_of_the_code() -> set[str]:
    """Names of packages, modules, classes, functions, parameters and attributes; words of docstrings do not count."""
    found = set()
    for path in (ROOT / "lingon").rglob("*.py"):
        found |= {path.stem, path.parent.name}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found.add(getattr(node, "name", None) or getattr(node, "attr", None) or getattr(node, "arg", None))
            if isinstance(node, ast.AnnAssign | ast.Assign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def test_every_table_has_the_same_columns():
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert text.count(COLUMNS) == text.count("\n|---|") == text.count("\n## ")
    assert {len(row) for row in rows()} == {5}


def test_every_name_of_the_glossary_is_one_of_the_code():
    known = identifiers_of_the_code()
    for name, code, meaning, *_ in rows():
        identifiers = re.findall(r"`(\w+)`", f"{code} {meaning}")
        assert re.fullmatch(r"`\w+`", code), (name, code)
        assert known.issuperset(identifiers), (name, identifiers)


def test_a_concept_has_one_row_and_a_row_one_concept():
    for column in (0, 1):
        repeated = [cell for cell, count in Counter(row[column] for row in rows()).items() if count > 1]
        assert not repeated, repeated
