"""What a reader of a report needs to make its run again, as rows of a table."""

from typing import Any


def run_facts(run: dict[str, Any]) -> list[tuple[str, str]]:
    """Return settings, data, versions and times of what run.json holds, as names and values."""
    rows = [(f"argument {name}", str(value)) for name, value in run["arguments"].items() if value is not None]
    rows += [(f"data {name}", str(value)) for name, value in run["data"].items()]
    rows += [(f"version of {name}", str(value)) for name, value in run.get("versions", {}).items()]
    return rows + [(f"seconds to {name}", f"{value:.1f}") for name, value in run.get("seconds", {}).items()]
