"""Pairs of source and target from the columns of a table: csv, tsv with or without a header, jsonl, parquet."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError, one_of, suggest
from lingon.data.files.csv_tables import csv_records, row_problem, sniff_dialect
from lingon.data.files.labelled_texts import peek
from lingon.data.files.lines import FileOptions, read_lines
from lingon.data.files.parallel_row import ParallelFile, ParallelRow
from lingon.data.files.row import TableRow, cell_text
from lingon.data.files.table_rows import file_suffix, read_rows
from lingon.data.languages import language_code
from lingon.data.parallel_texts import Languages

# Usual names of the columns of source and target.
PAIRS = [
    ("source", "target"),
    ("src", "tgt"),
    ("src", "trg"),
    ("src", "ref"),
    ("source", "reference"),
    ("source_text", "target_text"),
    ("input", "output"),
    ("input", "target"),
    ("text", "target"),
    ("text", "summary"),
    ("article", "highlights"),
    ("article", "summary"),
    ("document", "summary"),
    ("dialogue", "summary"),
    ("complex", "simple"),
    ("original", "simplified"),
    ("informal", "formal"),
    ("incorrect", "correct"),
    ("incorrect", "corrected"),
    ("original", "corrected"),
]
LOOK = 20  # rows examined in a table without a header
NUMBERS = ("id", "no")  # columns of numbers, although these are also the codes of Indonesian and Norwegian
NESTED = "translation"  # the column of the Hugging Face hub that holds {"en": ..., "de": ...}


class Columns(NamedTuple):
    """Columns of source and target: names, or numbers from 0 if there is no header. nested: keys inside `NESTED`."""

    source: str | int
    target: str | int
    nested: bool = False

    @property
    def languages(self) -> Languages:
        """Return the languages that the columns are named after; (None, None) unless both are."""
        if isinstance(self.source, int) or isinstance(self.target, int):
            return None, None
        found = language_code(self.source), language_code(self.target)
        return found if all(found) else (None, None)

    def said(self) -> str:
        """Return a message that names the columns."""
        if isinstance(self.source, int) or isinstance(self.target, int):
            return f"no header; source is column {int(self.source) + 1}, target column {int(self.target) + 1}"
        return f"source is column {self.source!r}, target {self.target!r}"


def open_parallel_table(
    path: Path,
    source: str | None = None,
    target: str | None = None,
    languages: Languages = (None, None),
    options: FileOptions = FileOptions(),
) -> ParallelFile:
    """Open a table of pairs. source, target: its columns, by name, or by number from 1 if it has no header.

    By default columns with usual names are used, or two named after languages, and reported; a tsv without such names
    has no header. languages: of source and target; they select columns named after languages. Raises DataError.
    """
    columns = _columns(path, source, target, languages, options)
    said = [] if source and target else [f"{path.name}: {columns.said()}"]
    found = (languages[0] or columns.languages[0], languages[1] or columns.languages[1])
    if isinstance(columns.source, int):
        return ParallelFile(path, partial(_plain_rows, path, columns, options), None, found, said)
    return ParallelFile(path, partial(_rows, path, columns, options), None, found, said)


def holds_pairs_of_texts(path: Path, options: FileOptions = FileOptions()) -> bool:
    """Return whether a table has sources and targets: by the names of its columns, or as two plain columns of texts.

    Without a header this is certain in a tsv whose first rows have two cells of several words, without repetition.
    """
    if file_suffix(path) in (".csv", ".tsv", ".txt"):
        named = bool(_guesses(_first_cells(path, options), (None, None)))
        return named or (file_suffix(path) != ".csv" and _two_columns_of_texts(path, options))
    return bool(_guesses(_keys(path, options)[0], (None, None)))


def source_column(path: Path, options: FileOptions = FileOptions()) -> str | None:
    """Return the name of the column of sources in a table of pairs of texts.

    It is "" if columns have no names: in a table without a header, or if one column holds both texts. None for another
    table, or one that cannot be read.
    """
    try:
        if not holds_pairs_of_texts(path, options):
            return None
    except DataError:
        return None
    found = _columns(path, None, None, (None, None), options)
    return found.source if isinstance(found.source, str) and not found.nested else ""


def _two_columns_of_texts(path: Path, options: FileOptions) -> bool:
    """Return whether the first rows, including the very first, are two texts; labels are single words or repeat."""
    rows = [cells for _, cells, problem in islice(_records(path, options), LOOK) if not problem]
    if len(rows) < 2 or any(len(cells) != 2 or len(cell.split()) < 2 for cells in rows for cell in cells):
        return False
    return all(len(set(column)) == len(rows) for column in zip(*rows, strict=True))


def _columns(path: Path, source: str | None, target: str | None, languages: Languages, options: FileOptions) -> Columns:
    in_lines = file_suffix(path) in (".csv", ".tsv", ".txt")
    names, nested = (_first_cells(path, options), False) if in_lines else _keys(path, options)
    named = [name for name in (source, target) if name is not None]
    if in_lines and named and all(name.isdecimal() and name not in names for name in named):
        return _numbers(path, source or "1", target or "2", len(names))
    for name, flag in ((source, "--text"), (target, "--target")):
        if name is not None and name not in names:
            raise DataError(f"{path}: there is no column {name!r} for {flag}; {suggest(name, names)}")
    if source is not None and source == target:
        raise UserError(f"--text and --target both name the column {source!r}; a pair has two")
    pairs = [(source, target)] if source and target else _guesses(names, languages)
    fits = [(a, b) for a, b in pairs if source in (None, a) and target in (None, b) and a != b]
    if fits:
        return Columns(*fits[0], nested)
    if in_lines and file_suffix(path) != ".csv" and not named and len(names) > 1:
        return Columns(0, 1)
    raise DataError(
        f"{path}: not obvious which columns are source and target, of {one_of(names)}; "
        "name them with --text and --target"
    )


def _guesses(names: Sequence[str], languages: Languages) -> list[tuple[str, str]]:
    """Return the pairs of columns with usual names, or named after the requested languages, or after any two."""
    usual = {name.lower(): name for name in names}
    found = [(usual[a], usual[b]) for a, b in PAIRS if a in usual and b in usual]
    spoken = [(name, code) for name in names if name.lower() not in NUMBERS and (code := language_code(name))]
    if any(languages):
        chosen = [
            (a, b) for a, x in spoken for b, y in spoken if languages[0] in (None, x) and languages[1] in (None, y)
        ]
        return [pair for pair in chosen if pair[0] != pair[1]] + found
    return found + ([(spoken[0][0], spoken[1][0])] if len(spoken) == 2 else [])


def _numbers(path: Path, source: str, target: str, width: int) -> Columns:
    """Return columns given by their numbers from 1."""
    places = int(source), int(target)
    if places[0] == places[1] or not all(1 <= place <= width for place in places):
        raise UserError(
            f"{path}: --text {source} and --target {target}; expected two different columns of 1 to {width}, as the "
            "first line has them"
        )
    return Columns(places[0] - 1, places[1] - 1)


def _first_cells(path: Path, options: FileOptions) -> list[str]:
    """Return the cells of the first line of a csv or tsv."""
    for _, cells, _ in _records(path, options):
        return [cell.strip() for cell in cells]
    raise DataError(f"{path}: the file is empty")


def _records(path: Path, options: FileOptions) -> Iterator[tuple[int, list[str], str]]:
    separator = "" if file_suffix(path) == ".csv" else "\t"
    return csv_records(read_lines(path, options.encoding), sniff_dialect(path, options, separator))


def _keys(path: Path, options: FileOptions) -> tuple[list[str], bool]:
    """Return the keys of the first rows, or of the objects in column `translation`, and whether it is the latter."""
    names, rows = peek(path, options)
    inside = [row.values[NESTED] for row in rows if isinstance(row.values.get(NESTED), dict)]
    return (list(dict.fromkeys(key for one in inside for key in one)), True) if inside else (names, False)


def _rows(path: Path, columns: Columns, options: FileOptions) -> Iterator[ParallelRow]:
    only = [NESTED] if columns.nested else [str(columns.source), str(columns.target)]
    reader = _named_rows(path, options) if file_suffix(path) == ".txt" else read_rows(path, only, options)
    for row in reader:
        values: Any = row.values.get(NESTED) if columns.nested else row.values
        if row.problem or not isinstance(values, dict):
            problem = row.problem or f"no object in column {NESTED!r}"
            yield ParallelRow(row.where, problem=problem)
            continue
        sides = [_cell(values, name) for name in (columns.source, columns.target)]
        yield ParallelRow(row.where, sides[0][0], sides[1][0], sides[0][1] or sides[1][1])


def _named_rows(path: Path, options: FileOptions) -> Iterator[TableRow]:
    """Yield the rows of a .txt with tabs and a header."""
    names: list[str] = []
    for number, cells, problem in _records(path, options):
        if not names:
            names = [cell.strip() for cell in cells]
        else:
            wrong = problem or row_problem(cells, names)
            yield TableRow(f":{number}", dict(zip(names, cells, strict=False)), wrong)


def _cell(values: dict[Any, Any], name: Any) -> tuple[str, str]:
    """Return the text of a cell, "" for None, and what is wrong with it."""
    value = values.get(name)
    text = "" if value is None else None if isinstance(value, bool) else cell_text(value)
    return ("", f"a {type(value).__name__} in column {name!r}, expected a string") if text is None else (text, "")


def _plain_rows(path: Path, columns: Columns, options: FileOptions) -> Iterator[ParallelRow]:
    """Yield the rows of a table without a header."""
    source, target = int(columns.source), int(columns.target)
    for number, cells, problem in _records(path, options):
        if not problem and len(cells) <= max(source, target):
            wanted = max(source, target) + 1
            problem = f"{counted(len(cells), 'cell')}, expected {wanted} or more with tabs between; is a tab missing?"
        if problem:
            yield ParallelRow(f":{number}", problem=problem)
        else:
            yield ParallelRow(f":{number}", cells[source], cells[target])
