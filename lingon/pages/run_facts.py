"""Everything needed to repeat a run, as rows of a table in its report."""

from collections.abc import Mapping
from typing import Any


def run_facts(run: dict[str, Any]) -> list[tuple[str, str]]:
    """Return settings, data, versions and times from run.json, as names and values."""
    rows = [(flag_of(name), in_words(value)) for name, value in run["arguments"].items() if value is not None]
    rows += [(f"data {name}", in_words(value)) for name, value in run["data"].items()]
    rows += [(f"version of {name}", in_words(value)) for name, value in run.get("versions", {}).items()]
    return rows + [(f"seconds to {name}", f"{value:.1f}") for name, value in run.get("seconds", {}).items()]


def flag_of(name: str) -> str:
    """Return the command-line flag of a setting.

    >>> flag_of("batch_size"), flag_of("from_")
    ('--batch-size', '--from')
    """
    return f"--{name.rstrip('_').replace('_', '-')}"


def in_words(value: Any) -> str:
    """Return a JSON value in readable form.

    >>> in_words(["depth=1", "heads=2"]), in_words({"train": {"name": "a.csv"}}), in_words(True)
    ('depth=1, heads=2', 'train: (name: a.csv)', 'yes')
    """
    if isinstance(value, Mapping):
        inner = (
            (name, f"({in_words(one)})" if isinstance(one, Mapping) else in_words(one)) for name, one in value.items()
        )
        return ", ".join(f"{name}: {one}" for name, one in inner)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(in_words, value)) if isinstance(value, list | tuple) else str(value)
