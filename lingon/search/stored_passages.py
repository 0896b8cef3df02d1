"""The files and passages of an index, read from its lines of JSON; each line is validated."""

from pathlib import PurePosixPath
from typing import Any

from lingon.core.errors import DataError
from lingon.search.documents import Passage
from lingon.search.store import JsonLines

FILE_KEYS = {"path": str, "bytes": int, "sha256": str, "passages": int}


def read_files(lines: JsonLines, passages: int) -> list[dict[str, Any]]:
    """Return path, bytes, sha256 and number of passages of each file. Raises DataError for an invalid line.

    passages: the total number of passages, which must equal the sum over the files.
    """
    found = []
    for number, row in enumerate(lines, 1):
        path = row.get("path")
        inside = isinstance(path, str) and not PurePosixPath(path).is_absolute() and ".." not in path.split("/")
        if {key: type(row.get(key)) for key in FILE_KEYS} != FILE_KEYS or not inside or row["passages"] < 0:
            raise DataError(f"{lines.path}:{number}: {str(row)[:60]!r}; expected path, bytes, sha256 and passages")
        found.append({key: row[key] for key in FILE_KEYS})
    if (count := sum(row["passages"] for row in found)) != passages:  # before memory is allocated for them
        raise DataError(f"{lines.path}: files of {count:,} passages, there are {passages:,}; the index is damaged")
    return found


def read_passage(lines: JsonLines, row: int) -> Passage:
    """Return a passage. Raises DataError for an invalid line."""
    line = lines[row]
    fields = line.get("fields")
    where, title, text = (line.get(key) for key in ("where", "title", "text"))
    texts = (where, title, text, *(fields.values() if isinstance(fields, dict) else [None]))
    if not isinstance(fields, dict) or not all(isinstance(one, str) for one in texts):
        raise DataError(f"{lines.path}:{row + 1}: no passage; expected where, title, text and fields")
    return Passage(str(where), str(title), str(text), fields)
