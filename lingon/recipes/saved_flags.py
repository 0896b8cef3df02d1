"""What a run was started with, so that its folder alone is enough to resume it."""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lingon.core.errors import DataError
from lingon.core.files import read_json


def saved_flags(folder: Path) -> dict[str, Any]:
    """Return the flags that the run in a folder was started with; none where there is no such run yet."""
    try:
        held = read_json(folder / "run.json")
    except (DataError, OSError):  # the recipe says what is wrong
        return {}
    given = held.get("given") if isinstance(held, dict) else None
    return dict(given) if isinstance(given, dict) else {}


def changed(flags: Mapping[str, Any], parameters: Sequence[inspect.Parameter]) -> dict[str, Any]:
    """Return those flags that are not at their default; the others are those that were saved."""
    usual = {parameter.name: parameter.default for parameter in parameters}
    return {name: value for name, value in flags.items() if value != usual.get(name, inspect.Parameter.empty)}
