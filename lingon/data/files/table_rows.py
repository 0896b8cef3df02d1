"""Yields the rows of a user's file, in any supported format."""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from lingon.core.errors import DataError, suggest
from lingon.data.files.csv_tables import csv_rows
from lingon.data.files.lines import PACKED, FileOptions, read_lines, read_text
from lingon.data.files.row import TableRow

TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
FORMATS = (*TABLES, ".txt")
LABELLED = "__label__"  # prefix of labels in fastText


def file_suffix(path: Path) -> str:
    """Return the suffix of a file name, without .gz and .xz, in lower case."""
    name = path.name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return Path(name).suffix


def file_format(path: Path) -> str:
    """Return the format of a file by its name, without .gz. Raises DataError that lists the formats."""
    ending = file_suffix(path)
    from lingon.data.files.images import ENDINGS

    if ending in ENDINGS:
        raise DataError(f"{path}: is one image; name the folder that holds a folder of images for each class")
    if ending not in FORMATS:
        raise DataError(f"{path}: ends in {ending!r}; {suggest(ending, FORMATS)} (each also .gz or .xz), or a folder")
    return ending


def is_table(path: Path, options: FileOptions = FileOptions()) -> bool:
    """Return whether a file has rows with columns, or lines with fastText labels, rather than plain text."""
    if file_suffix(path) in TABLES:
        return True
    if file_suffix(path) != ".txt" or path.stat().st_size == 0:
        return False
    first = next((line.text for line in read_lines(path, options.encoding) if line.text.strip()), "")
    return first.lstrip().startswith(LABELLED)


def read_rows(path: Path, only: list[str] | None = None, options: FileOptions = FileOptions()) -> Iterator[TableRow]:
    """Read the rows of a csv, tsv, jsonl, json, parquet or txt file (each also .gz or .xz).

    only: columns that are needed; others may be left out to save time.
    Raises DataError with path and line for a file that is empty, truncated, not text, or a decompression bomb.
    """
    from lingon.data.files.parquet import parquet_rows

    readers: dict[str, Callable[[], Iterator[TableRow]]] = {
        ".csv": partial(csv_rows, path, options, only),
        ".tsv": partial(csv_rows, path, options, only, "\t"),
        ".txt": partial(_txt, path, options),
        ".jsonl": partial(_jsonl, path, options),
        ".ndjson": partial(_jsonl, path, options),
        ".json": partial(_json, path, options),
        ".parquet": partial(parquet_rows, path, only),
    }
    read = readers[file_format(path)]
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty")
    yield from read()


def _txt(path: Path, options: FileOptions) -> Iterator[TableRow]:
    """Yield rows from lines in fastText's format, as `__label__positive the text`; the label may be anywhere."""
    for number, line, problem in read_lines(path, options.encoding):
        words = line.split()
        labels = [word.removeprefix(LABELLED) for word in words if word.startswith(LABELLED)]
        if not words:
            continue
        if not problem and not labels:
            problem = "no label; expected a line such as: __label__positive A fine film."
        elif not problem and (stuck := next(filter(None, (re.search(r"[,;]", x.rstrip(",;")) for x in labels)), None)):
            problem = f"label {stuck.string[:80]!r}: {stuck[0]!r} does not end a label; put a space after it"
        text = re.sub(rf"(^|(?<=\s)){LABELLED}\S*(\s+|$)", "", line.strip()).strip()
        names = [label.rstrip(",;") for label in labels]
        label = names if len(names) > 1 else next(iter(names), None)
        yield TableRow(f":{number}", {"text": text, "label": label}, problem)


def _jsonl(path: Path, options: FileOptions) -> Iterator[TableRow]:
    for number, line, problem in read_lines(path, options.encoding):
        if line.strip():
            yield _object(f":{number}", line, problem)


class _Twice(dict):
    """A JSON object with a duplicate key."""

    key = ""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        found = _Twice(found)
        names = [name for name, _ in pairs]
        found.key = next(name for i, name in enumerate(names) if name in names[:i])
    return found


def _object(where: str, line: str, problem: str) -> TableRow:
    try:
        return _checked(where, json.loads(line, object_pairs_hook=_pairs), problem)
    except (ValueError, RecursionError) as error:
        return TableRow(where, {}, problem or f"not JSON ({error}); is the line truncated?")


def _checked(where: str, value: Any, problem: str = "") -> TableRow:
    if isinstance(value, list) and list(map(type, value)) == [str, dict]:  # as spaCy has it: ["A text.", {...}]
        return TableRow(where, {"text": value[0], **value[1]}, problem)
    if not isinstance(value, dict):
        kind = type(value).__name__
        return TableRow(where, {}, problem or f"a {kind}, expected an object such as {{'text': ..., 'label': ...}}")
    if isinstance(value, _Twice):
        problem = problem or f"the key {value.key[:80]!r} comes twice"
    return TableRow(where, value, problem)


def _json(path: Path, options: FileOptions) -> Iterator[TableRow]:
    """Yield the rows of a list of objects; or of JSON lines, which some name .json as well."""
    text = read_text(path, options.encoding)
    try:
        items = json.loads(text, object_pairs_hook=_pairs)
    except (ValueError, RecursionError) as error:
        if text.lstrip().startswith("{") and str(error).startswith("Extra data"):
            return _jsonl(path, options)
        where = f"{path}:{getattr(error, 'lineno', 1)}"
        raise DataError(f"{where}: not JSON ({error}); is the file truncated?") from None
    if not isinstance(items, list):
        raise DataError(
            f"{path}: a JSON {'dict' if isinstance(items, dict) else type(items).__name__}, expected a list of objects"
        )
    return (_checked(f": item {i}", item) for i, item in enumerate(items, 1))
