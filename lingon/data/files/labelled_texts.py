"""Reads labelled texts of a user's file or folder: csv, tsv, jsonl, json, parquet, txt, or a folder per class."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError, suggest, unknown
from lingon.data.examples import Examples
from lingon.data.files.label_cells import READERS, BadLabel, guess, yes_or_no
from lingon.data.files.lines import FileOptions, OnBadRow, read_text
from lingon.data.files.row import TableRow, cell_text, label_text
from lingon.data.files.table_rows import FORMATS, read_rows
from lingon.data.files.text_columns import choose_columns, choose_text_column
from lingon.data.problem_types import PROBLEM_TYPES, ProblemType, names_in

__all__ = ["FORMATS", "FileOptions", "OnBadRow", "ReadReport", "label_text", "read_labelled_texts"]

SURROGATE = re.compile("[\ud800-\udfff]")
LOOK = 1000  # rows that are examined to find the columns
LOOK_CELLS, LOOK_LETTERS = 200_000, 16 << 20  # ... or fewer, if there are many columns or long texts


@dataclass
class ReadReport:
    """Report on reading a file: columns, the kind of labels, skipped rows, and messages for the user.

    label: the column of labels, or several binary indicator columns, separated by commas.
    """

    text: str = "text"
    label: str = "label"
    text_pair: str | None = None
    problem_type: ProblemType = "single-label"
    label_columns: list[str] = field(default_factory=list)
    skipped: int = 0
    first_skipped: str = ""
    messages: list[str] = field(default_factory=list)

    @property
    def columns(self) -> list[str]:
        """Return the columns that are read."""
        return [self.text, *(self.label_columns or [self.label]), *([self.text_pair] if self.text_pair else [])]


def read_labelled_texts(
    path: str | Path,
    text: str | None = None,
    label: str | None = None,
    on_bad_row: OnBadRow = "stop",
    known: Collection[str] | None = None,
    options: FileOptions = FileOptions(),
    problem_type: ProblemType | None = None,
    text_pair: str | None = None,
) -> tuple[Examples, ReadReport]:
    """Read the labelled texts of a file, or of a folder with one subfolder of .txt files per class, with a report.

    text, label: names of columns; guessed if obvious, which is reported. on_bad_row: "stop" raises at the first row
    without a text or a label, or that cannot be read; "skip" leaves it out and counts it. known: the allowed labels;
    another label makes a bad row. options: encoding and quoting. problem_type: the kind of labels; detected if certain,
    which is reported. text_pair: the column of second texts.
    Raises DataError with file and line, and UserError or DataError if columns are unknown or not obvious.
    """
    path = Path(path)
    if on_bad_row not in ("stop", "skip"):
        raise unknown("value of on_bad_row", on_bad_row, ("stop", "skip"))
    if problem_type not in (None, *PROBLEM_TYPES):
        raise unknown("--problem-type", str(problem_type), PROBLEM_TYPES)
    report, read = ReadReport(text_pair=text_pair), lambda: read_rows(path, report.columns, options)
    report.problem_type = problem_type or "single-label"
    if path.is_dir():
        _refuse_folder(path, problem_type, text_pair)
        read = lambda: _folder(path, options)
        report.messages.append(f"{path.name}: labels are the names of the folders")
    elif not path.is_file():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UserError(f"there is no file {str(path)!r}; {suggest(path.name, beside)}")
    else:
        _find_columns(path, text, label, report, options, problem_type)
    found = Examples([], [], text_pairs=[] if text_pair else None)
    for row in read():
        label_of, problem = _label_of(row, report, known)
        if problem and on_bad_row == "stop":
            raise DataError(f"{path}{row.where}: {problem}; --on-bad-row skip leaves such rows out")
        if problem:
            report.skipped += 1
            report.first_skipped = report.first_skipped or f"{path}{row.where}: {problem}"
            continue
        found.texts.append(cell_text(row.values[report.text]) or "")
        found.labels.append(label_of)
        if found.text_pairs is not None and report.text_pair is not None:
            found.text_pairs.append(cell_text(row.values[report.text_pair]) or "")
    return _finished(path, found, report)


def _refuse_folder(path: Path, problem_type: ProblemType | None, text_pair: str | None) -> None:
    if problem_type not in (None, "single-label", "ordinal") or text_pair is not None:
        given = f"--problem-type {problem_type}" if text_pair is None else f"--text-pair {text_pair}"
        raise UserError(f"{given}: {path} is a folder, whose texts have one label each, its name; give a table")


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


def _find_columns(
    path: Path,
    text: str | None,
    label: str | None,
    report: ReadReport,
    options: FileOptions,
    problem_type: ProblemType | None,
) -> None:
    """Add to the report which columns are read and the kind of labels, if not given."""
    names, first = peek(path, options)
    rows = [row.values for row in first if not row.problem]
    if report.text_pair is not None and report.text_pair not in names:
        raise DataError(
            f"{path}: there is no column {report.text_pair!r} for --text-pair; {suggest(report.text_pair, names)}"
        )
    columns = indicator_columns(path, label, names, problem_type)
    if columns:
        report.label_columns, report.label, report.problem_type = columns, ",".join(columns), "multi-label"
        report.text, said = choose_text_column(path, [n for n in names if n not in columns], rows, text)
        report.messages += [said] if said else []
        return
    names = [name for name in names if name != report.text_pair]
    (report.text, report.label), said = choose_columns(path, names, rows, text, label)
    report.messages += [said] if said else []
    if problem_type is None:
        report.problem_type, said = guess([row.get(report.label) for row in rows], report.label)
        report.messages += [f"{path.name}: {said}"] if said else []


def indicator_columns(path: Path, label: str | None, names: list[str], problem_type: ProblemType | None) -> list[str]:
    """Return the columns in a --label with commas; an empty list if it is one column."""
    if label is None or "," not in label or label in names:
        return []
    columns = [name.strip() for name in label.split(",")]
    for name in columns:
        if name not in names:
            raise DataError(f"{path}: there is no column {name!r} for --label; {suggest(name, names)}")
    if len(set(columns)) < len(columns):
        raise UserError(f"{path}: --label {label} names a column twice")
    if problem_type not in (None, "multi-label"):
        raise UserError(
            f"--label names {counted(len(columns), 'column')}, but --problem-type is {problem_type}; give one column"
        )
    return columns


def text_problem(row: TableRow, column: str) -> str:
    """Return what is wrong with the text of a row; "" if nothing."""
    if row.problem:
        return row.problem
    value = row.values.get(column)
    text = None if isinstance(value, bool) else cell_text(value)
    if text is None and isinstance(value, bytes):
        return f"not UTF-8 in column {column!r}"
    if isinstance(value, list | tuple) and len(value) > 1 and all(isinstance(one, str) for one in value):
        return (
            f"{counted(len(value), 'text')} in column {column!r}; a pair has its second text in a column of --text-pair"
        )
    if text is None or not text.strip():
        return f"no text in column {column!r}"
    if not text.isascii() and SURROGATE.search(text):
        return f"a lone surrogate (half a character) in column {column!r}"
    return ""


def _label_of(row: TableRow, report: ReadReport, known: Collection[str] | None) -> tuple[Any, str]:
    """Return the label of a row, and what is wrong with the row; "" if nothing."""
    if problem := text_problem(row, report.text):
        return None, problem
    if report.text_pair is not None and (problem := text_problem(row, report.text_pair)):
        return None, f"{problem}; a pair has two texts"
    try:
        if report.label_columns:
            label: Any = yes_or_no([row.values.get(name) for name in report.label_columns], report.label_columns)
        else:
            label = READERS[report.problem_type](row.values.get(report.label), report.label)
    except BadLabel as error:
        return None, str(error)
    if known is not None and (strange := [name for name in names_in([label]) if name not in known]):
        return None, f"{unknown('label', strange[0], sorted(known))}"
    return label, ""


def _finished(path: Path, examples: Examples, report: ReadReport) -> tuple[Examples, ReadReport]:
    if report.skipped:
        report.messages.append(
            f"{path.name}: {counted(report.skipped, 'bad row')} skipped, the first: {report.first_skipped}"
        )
    if not len(examples):
        raise DataError(f"{path}: no row with a text and a label; {report.first_skipped or 'it is empty'}")
    return examples, report


def _folder(path: Path, options: FileOptions) -> Iterator[TableRow]:
    """Yield the texts of path/LABEL/*.txt: the folder's name is the label, each file is a text."""
    files = [f for place in sorted(path.iterdir()) if place.is_dir() for f in sorted(place.glob("*.txt"))]
    if not files:
        raise DataError(
            f"{path}: no folder with texts or images; expected a folder per class, with files as "
            f"{path}/spam/1.txt or {path}/cat/1.png"
        )
    for file in files:
        values, where = {"label": file.parent.name}, f"/{file.parent.name}/{file.name}"
        try:
            yield TableRow(where, {**values, "text": read_text(file, options.encoding)})
        except DataError as error:
            told = re.fullmatch(r"(:\d+)?: (.*)", str(error).removeprefix(str(file)), re.DOTALL)
            line, problem = told.groups() if told else ("", str(error))
            yield TableRow(where + (line or ""), values, problem)
