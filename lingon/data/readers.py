"""Labelled texts from a user's own file or folder: csv, tsv, jsonl, json, parquet, txt, or a folder per class."""

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from lingon.core.errors import DataError, UserError, suggest, unknown
from lingon.data.columns import choose
from lingon.data.examples import Examples
from lingon.data.formats import FORMATS, Row, rows_of, whole_text

__all__ = ["FORMATS", "OnBadRow", "Report", "label_text", "read_examples"]

OnBadRow = Literal["stop", "skip"]
LOOK = 1000  # rows that are looked at to find the columns


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
) -> tuple[Examples, Report]:
    """The labelled texts of a file, or of a folder with one subfolder of .txt files per class, and a report.

    text, label: names of columns; guessed when obvious, and the report says so. on_bad_row: "stop" raises at the first
    row without a text or a label, or that cannot be read; "skip" leaves it out and counts it. known: the labels there
    may be; another one makes a bad row.
    Raises DataError with file and line, and UserError or DataError when columns are unknown or not obvious.
    """
    path = Path(path)
    if on_bad_row not in ("stop", "skip"):
        raise unknown("value of on_bad_row", on_bad_row, ("stop", "skip"))
    report, read = Report(), rows_of
    if path.is_dir():
        read = _folder
        report.said.append(f"{path.name}: labels are the names of the folders")
    elif not path.is_file():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UserError(f"there is no file {str(path)!r}; {suggest(path.name, beside)}")
    else:
        report.text, report.label = _columns(path, text, label, report)
        read = lambda path: rows_of(path, [report.text, report.label])
    examples = Examples([], [])
    for row in read(path):
        wrong = _wrong(row, report, known)
        if wrong and on_bad_row == "stop":
            raise DataError(f"{path}{row.where}: {wrong}; --on-bad-row skip leaves such rows out")
        if wrong:
            report.skipped += 1
            report.first_skipped = report.first_skipped or f"{path}{row.where}: {wrong}"
            continue
        examples.texts.append(str(row.values[report.text]))
        examples.labels.append(label_text(row.values[report.label]))
    return _finished(path, examples, report)


def label_text(value: Any) -> str | None:
    """A label as text: 3.0 is "3", True is "true"; None, NaN and blanks are no label."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    value = str(value).strip()
    # Tables turn whole numbers into 3.0 as soon as one cell is empty, so 3 and 3.0 are one label.
    return re.sub(r"^(-?\d+)\.0+$", r"\1", value) or None


def _columns(path: Path, text: str | None, label: str | None, report: Report) -> tuple[str, str]:
    first = list(islice(rows_of(path), LOOK))
    names = list(dict.fromkeys(name for row in first for name in row.values))
    if not first:
        raise DataError(f"{path}: holds no rows")
    if not names:
        raise DataError(f"{path}{first[0].where}: {first[0].wrong}")
    columns, said = choose(path, names, [row.values for row in first if not row.wrong], text, label)
    report.said += [said] if said else []
    return columns


def _wrong(row: Row, report: Report, known: Collection[str] | None) -> str:
    """What is wrong with a row, or nothing."""
    if row.wrong:
        return row.wrong
    text, label = row.values.get(report.text), row.values.get(report.label)
    if not isinstance(text, str | int | float) or isinstance(text, bool) or not str(text).strip():
        return f"no text in column {report.text!r}"
    if any("\ud800" <= c <= "\udfff" for c in ("" if str(text).isascii() else str(text))):
        return f"half a character (a lone surrogate) in column {report.text!r}"
    name = label_text(label) if isinstance(label, str | int | float) else None
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


def _folder(path: Path) -> Iterator[Row]:
    """path/LABEL/*.txt: the folder's name is the label, each file is a text."""
    files = [f for place in sorted(path.iterdir()) if place.is_dir() for f in sorted(place.glob("*.txt"))]
    if not files:
        raise DataError(f"{path}: no texts; expected a folder per class with .txt files in it, as {path}/spam/1.txt")
    for file in files:
        values, where = {"label": file.parent.name}, f"/{file.parent.name}/{file.name}"
        try:
            yield Row(where, {**values, "text": whole_text(file)})
        except DataError as error:
            line, wrong = re.fullmatch(r"(:\d+)?: (.*)", str(error).removeprefix(str(file)), re.DOTALL).groups()
            yield Row(where + (line or ""), values, wrong)
