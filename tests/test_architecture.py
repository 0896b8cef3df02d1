"""The map of docs/architecture.md is the one that import-linter checks, and names every package."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def checked() -> list[set[str]]:
    """Packages by layer, top to bottom, as pyproject.toml has them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [set(re.findall(r"lingon\.(\w+)", layer)) for layer in layers]


def drawn() -> list[set[str]]:
    """Packages by row of the map."""
    rows = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").splitlines()
    rows = rows[rows.index("| package | contents |") + 2 :]
    rows = rows[: rows.index("")]
    return [set(re.findall(r"`(\w+)(?:\.py)?`", row.replace("\\|", "").split("|")[1])) for row in rows]


def test_the_map_is_what_the_linter_checks():
    assert drawn() == checked()


def test_every_package_is_on_the_map():
    found = {path.parent.name for path in (ROOT / "lingon").glob("*/__init__.py")}
    assert found <= set().union(*drawn())
