"""Labelled texts from a user's own file or folder: csv, tsv, jsonl, json, parquet, txt, or a folder per class."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lingon.core.errors import DataError, UserError, suggest, unknown
from lingon.data.examples import Examples
from lingon.data.files.lines import FileOptions, read_text
from lingon.data.files.row import TableRow, cell_text, label_text
from lingon.data.files.table_rows import FORMATS, read_rows
from lingon.data.files.text_columns import choose_columns

__all__ = ["FORMATS", "FileOptions", "OnBadRow", "ReadReport", "label_text", "read_labelled_texts"]

SURROGATE = re.compile("[\ud800-\udfff]")
OnBadRow = Literal["stop", "skip"]
LOOK = 1000  # rows that are looked at to find the columns
LOOK_CELLS, LOOK_LETTERS = 200_000, 16 << 20  # ... or fewer, where there are many columns or long texts


@dataclass
class ReadReport:
    """What reading a file came to: columns, skipped rows, and lines to tell the user."""

    text: str = "text"
    label: str = "label"
    skipped: int = 0
    first_skipped: str = ""
    messages: list[str] = field(default_factory=list)


def read_labelled_texts(
    path: str | Path,
    text: str | None = None,
    label: str | None = None,
    on_bad_row: OnBadRow = "stop",
    known: Collection[str] | None = None,
    options: FileOptions = FileOptions(),
) -> tuple[Examples, ReadReport]:
    """Read the labelled texts of a file, or of a folder with one subfolder of .txt files per class, with a report.

    text, label: names of columns; guessed when obvious, and the report says so. on_bad_row: "stop" raises at the first
    row without a text or a label, or that cannot be read; "skip" leaves it out and counts it. known: the labels there
    may be; another one makes a bad row. options: encoding and quoting.
    Raises DataError with file and line, and UserError or DataError when columns are unknown or not obvious.
    """
    path = Path(path)
    if on_bad_row not in ("stop", "skip"):
        raise unknown("value of on_bad_row", on_bad_row, ("stop", "skip"))
    report, read = ReadReport(), lambda: read_rows(path, [report.text, report.label], options)
    if path.is_dir():
        read = lambda: _folder(path, options)
        report.messages.append(f"{path.name}: labels are the names of the folders")
    elif not path.is_file():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UserError(f"there is no file {str(path)!r}; {suggest(path.name, beside)}")
    else:
        report.text, report.label = _columns(path, text, label, report, options)
    examples = Examples([], [])
    for row in read():
        problem = _wrong(row, report, known)
        if problem and on_bad_row == "stop":
            raise DataError(f"{path}{row.where}: {problem}; --on-bad-row skip leaves such rows out")
        if problem:
            report.skipped += 1
            report.first_skipped = report.first_skipped or f"{path}{row.where}: {problem}"
            continue
        examples.texts.append(cell_text(row.values[report.text]) or "")
        examples.labels.append(label_text(row.values[report.label]) or "")
    return _finished(path, examples, report)


def peek(path: Path, options: FileOptions) -> tuple[list[str], list[TableRow]]:
    """Read the column names of a table and its first rows. Raises DataError for a table without rows."""
    first, cells, letters = [], 0, 0
    for row in read_rows(path, None, options):
        first.append(row)
        cells += len(row.values)
        letters += sum(len(value) for value in row.values.values() if isinstance(value, str | bytes))
        if len(first) == LOOK or cells > LOOK_CELLS or letters > LOOK_LETTERS:
            break
    if not first:
        raise DataError(f"{path}: holds no rows")
    names = list(dict.fromkeys(name for row in first for name in row.values))
    if not names:
        raise DataError(f"{path}{first[0].where}: {first[0].problem}")
    return names, first


def _columns(
    path: Path, text: str | None, label: str | None, report: ReadReport, options: FileOptions
) -> tuple[str, str]:
    names, first = peek(path, options)
    columns, said = choose_columns(path, names, [row.values for row in first if not row.problem], text, label)
    report.messages += [said] if said else []
    return columns


def text_problem(row: TableRow, column: str) -> str:
    """Return what is wrong with the text of a row, or nothing."""
    if row.problem:
        return row.problem
    value = row.values.get(column)
    text = None if isinstance(value, bool) else cell_text(value)
    if text is None and isinstance(value, bytes):
        return f"not UTF-8 in column {column!r}"
    if isinstance(value, list | tuple) and len(value) > 1 and all(isinstance(one, str) for one in value):
        return f"{len(value)} texts in column {column!r}; pairs of texts are no task yet, join them or keep one"
    if text is None or not text.strip():
        return f"no text in column {column!r}"
    if not text.isascii() and SURROGATE.search(text):
        return f"half a character (a lone surrogate) in column {column!r}"
    return ""


def _wrong(row: TableRow, report: ReadReport, known: Collection[str] | None) -> str:
    """Return what is wrong with a row, or nothing."""
    if problem := text_problem(row, report.text):
        return problem
    label = row.values.get(report.label)
    if isinstance(label, list | tuple | dict):
        several = f"several labels ({str(label)[:60]}) in column {report.label!r}"
        return f"{several}; a text has one label here, several are no task yet"
    name = label_text(label)
    if name is None:
        return f"no label in column {report.label!r}"
    if known is not None and name not in known:
        return f"{unknown('label', name, sorted(known))}"
    return ""


def _finished(path: Path, examples: Examples, report: ReadReport) -> tuple[Examples, ReadReport]:
    if report.skipped:
        report.messages.append(f"{path.name}: {report.skipped:,} bad rows skipped, the first: {report.first_skipped}")
    if not len(examples):
        raise DataError(f"{path}: no row with a text and a label; {report.first_skipped or 'it is empty'}")
    return examples, report


def _folder(path: Path, options: FileOptions) -> Iterator[TableRow]:
    """Yield the texts of path/LABEL/*.txt: the folder's name is the label, each file is a text."""
    files = [f for place in sorted(path.iterdir()) if place.is_dir() for f in sorted(place.glob("*.txt"))]
    if not files:
        raise DataError(f"{path}: no texts; expected a folder per class with .txt files in it, as {path}/spam/1.txt")
    for file in files:
        values, where = {"label": file.parent.name}, f"/{file.parent.name}/{file.name}"
        try:
            yield TableRow(where, {**values, "text": read_text(file, options.encoding)})
        except DataError as error:
            told = re.fullmatch(r"(:\d+)?: (.*)", str(error).removeprefix(str(file)), re.DOTALL)
            line, problem = told.groups() if told else ("", str(error))
            yield TableRow(where + (line or ""), values, problem)
