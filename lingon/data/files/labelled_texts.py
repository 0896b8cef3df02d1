"""Labelled texts from a user's own file or folder: csv, tsv, jsonl, json, parquet, txt, or a folder per class."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lingon.core.errors import DataError, UserError, suggest, unknown
from lingon.data.examples import Examples
from lingon.data.files.lines import FileOptions, whole_text
from lingon.data.files.row import Row, cell_text, label_text
from lingon.data.files.table_rows import FORMATS, rows_of
from lingon.data.files.text_columns import choose

__all__ = ["FORMATS", "FileOptions", "OnBadRow", "Report", "label_text", "read_examples"]

OnBadRow = Literal["stop", "skip"]
LOOK = 1000  # rows that are looked at to find the columns
LOOK_CELLS, LOOK_LETTERS = 200_000, 16 << 20  # ... or fewer, where there are many columns or long texts


@dataclass
class Report:
    """What reading a file came to: columns, skipped rows, and lines to tell the user."""

    text: str = "text"
    label: str = "label"
    skipped: int = 0
    first_skipped: str = ""
    said: list[str] = field(default_factory=list)


def read_examples(
    path: str | Path,
    text: str | None = None,
    label: str | None = None,
    on_bad_row: OnBadRow = "stop",
    known: Collection[str] | None = None,
    options: FileOptions = FileOptions(),
) -> tuple[Examples, Report]:
    """The labelled texts of a file, or of a folder with one subfolder of .txt files per class, and a report.

    text, label: names of columns; guessed when obvious, and the report says so. on_bad_row: "stop" raises at the first
    row without a text or a label, or that cannot be read; "skip" leaves it out and counts it. known: the labels there
    may be; another one makes a bad row. options: encoding and quoting.
    Raises DataError with file and line, and UserError or DataError when columns are unknown or not obvious.
    """
    path = Path(path)
    if on_bad_row not in ("stop", "skip"):
        raise unknown("value of on_bad_row", on_bad_row, ("stop", "skip"))
    report, read = Report(), lambda: rows_of(path, [report.text, report.label], options)
    if path.is_dir():
        read = lambda: _folder(path, options)
        report.said.append(f"{path.name}: labels are the names of the folders")
    elif not path.is_file():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UserError(f"there is no file {str(path)!r}; {suggest(path.name, beside)}")
    else:
        report.text, report.label = _columns(path, text, label, report, options)
    examples = Examples([], [])
    for row in read():
        wrong = _wrong(row, report, known)
        if wrong and on_bad_row == "stop":
            raise DataError(f"{path}{row.where}: {wrong}; --on-bad-row skip leaves such rows out")
        if wrong:
            report.skipped += 1
            report.first_skipped = report.first_skipped or f"{path}{row.where}: {wrong}"
            continue
        examples.texts.append(cell_text(row.values[report.text]) or "")
        examples.labels.append(label_text(row.values[report.label]) or "")
    return _finished(path, examples, report)


def look(path: Path, options: FileOptions) -> tuple[list[str], list[Row]]:
    """The names of the columns of a table, and its first rows. Raises DataError for a table without rows."""
    first, cells, letters = [], 0, 0
    for row in rows_of(path, None, options):
        first.append(row)
        cells += len(row.values)
        letters += sum(len(value) for value in row.values.values() if isinstance(value, str | bytes))
        if len(first) == LOOK or cells > LOOK_CELLS or letters > LOOK_LETTERS:
            break
    if not first:
        raise DataError(f"{path}: holds no rows")
    names = list(dict.fromkeys(name for row in first for name in row.values))
    if not names:
        raise DataError(f"{path}{first[0].where}: {first[0].wrong}")
    return names, first


def _columns(path: Path, text: str | None, label: str | None, report: Report, options: FileOptions) -> tuple[str, str]:
    names, first = look(path, options)
    columns, said = choose(path, names, [row.values for row in first if not row.wrong], text, label)
    report.said += [said] if said else []
    return columns


def wrong_text(row: Row, column: str) -> str:
    """What is wrong with the text of a row, or nothing."""
    if row.wrong:
        return row.wrong
    value = row.values.get(column)
    text = None if isinstance(value, bool) else cell_text(value)
    if text is None and isinstance(value, bytes):
        return f"not UTF-8 in column {column!r}"
    if isinstance(value, list | tuple) and len(value) > 1 and all(isinstance(one, str) for one in value):
        return f"{len(value)} texts in column {column!r}; pairs of texts are no task yet, join them or keep one"
    if text is None or not text.strip():
        return f"no text in column {column!r}"
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        return f"half a character (a lone surrogate) in column {column!r}"
    return ""


def _wrong(row: Row, report: Report, known: Collection[str] | None) -> str:
    """What is wrong with a row, or nothing."""
    if wrong := wrong_text(row, report.text):
        return wrong
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


def _finished(path: Path, examples: Examples, report: Report) -> tuple[Examples, Report]:
    if report.skipped:
        report.said.append(f"{path.name}: {report.skipped:,} bad rows skipped, the first: {report.first_skipped}")
    if not len(examples):
        raise DataError(f"{path}: no row with a text and a label; {report.first_skipped or 'it is empty'}")
    return examples, report


def _folder(path: Path, options: FileOptions) -> Iterator[Row]:
    """path/LABEL/*.txt: the folder's name is the label, each file is a text."""
    files = [f for place in sorted(path.iterdir()) if place.is_dir() for f in sorted(place.glob("*.txt"))]
    if not files:
        raise DataError(f"{path}: no texts; expected a folder per class with .txt files in it, as {path}/spam/1.txt")
    for file in files:
        values, where = {"label": file.parent.name}, f"/{file.parent.name}/{file.name}"
        try:
            yield Row(where, {**values, "text": whole_text(file, options.encoding)})
        except DataError as error:
            told = re.fullmatch(r"(:\d+)?: (.*)", str(error).removeprefix(str(file)), re.DOTALL)
            line, wrong = told.groups() if told else ("", str(error))
            yield Row(where + (line or ""), values, wrong)
