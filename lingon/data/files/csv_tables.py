"""Rows of csv and tsv: separator and quoting are detected, and rows swallowed by a stray quote are reported."""

import csv
import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple

from lingon.core.counted import counted
from lingon.core.errors import DataError
from lingon.data.files.lines import MOST_LINE, FileOptions, TextLine, read_lines
from lingon.data.files.row import TableRow

SEPARATORS = ",;\t|"
SAMPLE = 1 << 20  # characters from which the dialect is detected
LONGEST_NAME = 1000  # maximum characters of a column's name
LONGEST_SEEN = 100  # maximum characters of a value that is remembered
WIDE = 100  # maximum columns whose values are remembered


class Dialect(NamedTuple):
    """Dialect of a CSV file. quoted: cells may be quoted. seen: values that reveal rows inside a quoted cell."""

    separator: str
    quoted: bool
    seen: "_Seen | None" = None


def csv_rows(
    path: Path, options: FileOptions, only: list[str] | None = None, separator: str = ""
) -> Iterator[TableRow]:
    """Yield the rows of a csv or tsv file. Raises DataError with path and line for an invalid header.

    only: the needed columns. separator: of cells; by default the one of comma, semicolon, tab and bar that occurs most
    often in the first line.
    """
    csv.field_size_limit(MOST_LINE)
    style = sniff_dialect(path, options, separator)
    names: list[str] = []
    kept: list[int] = []
    for start, fields, problem in csv_records(_body(read_lines(path, options.encoding)), style):
        if not names:
            names = _header(f"{path}:{start}", fields, problem)
            kept = [i for i, name in enumerate(names) if only is None or name in only]
        elif problem := problem or row_problem(fields, names):
            yield TableRow(f":{start}", {}, problem)
        else:
            yield TableRow(f":{start}", {names[i]: fields[i] for i in kept})
    if not names:
        raise DataError(f"{path}: the file is empty")


def row_problem(fields: list[str], names: list[str]) -> str:
    """Return what is wrong with the cells of a row, or "". A table of one column may have its name as a cell."""
    if len(fields) != len(names):
        return f"{counted(len(fields), 'cell')}, expected {len(names)}; is a text without its quotes?"
    again = len(names) > 1 and _named(fields) == names
    return "the names of the columns again, as where two tables were put together; delete this line" if again else ""


def sniff_dialect(path: Path, options: FileOptions, separator: str = "") -> Dialect:
    """Return the dialect of a file (separator and quoting), from its first megabyte."""
    sample: list[TextLine] = []
    size = 0
    lines = read_lines(path, options.encoding)
    for line in lines:
        if not sample and (named := re.fullmatch(r"sep=(.)\s*", line.text)):  # a convention of Excel
            separator = named[1]
            continue
        sample += [line] if line.text.strip() else []
        size += len(line.text)
        if size > SAMPLE:
            break
    whole = next(lines, None) is None
    first = sample[0].text.replace("\r", " ") if sample else ""
    separator = separator or max(SEPARATORS, key=lambda s: len(next(csv.reader([first], delimiter=s), [])))
    if options.quoting != "auto":
        return Dialect(separator, options.quoting == "minimal")
    found = list(csv_records(iter(sample), Dialect(separator, True)))
    if separator == "\t" and not _is_quoted(sample, found if whole else found[:-1]):
        return Dialect(separator, False)
    return Dialect(separator, True, _Seen(found))


def _is_quoted(sample: list[TextLine], found: list[tuple[int, list[str], str]]) -> bool:
    """Return whether cells of a tsv are quoted. found: its records if they are.

    In most tsv files quotes are ordinary characters, so evidence is needed: a quoted header, or fewer errors.
    """
    plain = [_split(line.text, "\t") for line in sample]
    width = len(plain[0]) if plain else 0
    if width and all(re.fullmatch(r'"[^"]*"', name) for name in plain[0]):
        return True
    faults = sum(bool(problem) or len(fields) != len(found[0][1]) for _, fields, problem in found)
    astray = sum(len(cells) != width for cells in plain)
    held = any("\n" in cell for _, fields, _ in found for cell in fields)
    if width > 1 and not astray and held:  # every line is a row by itself, and some would be lost
        return False
    doubled = any(re.fullmatch(r'"(?:[^"]|"")*""(?:[^"]|"")*"', cell) for cells in plain for cell in cells)
    return faults < astray or (doubled and not faults)


def _split(line: str, separator: str) -> list[str]:
    return line.rstrip("\r\n").split(separator)


def _body(lines: Iterator[TextLine]) -> Iterator[TextLine]:
    """Return the lines without the one that names the separator."""
    first = next(lines, None)
    if first is None:
        return iter(())
    return lines if re.fullmatch(r"sep=.\s*", first.text) else chain([first], lines)


class _Rewound:
    """An iterator over lines, in which those of the current record can be put back."""

    def __init__(self, lines: Iterator[TextLine]):
        self.lines, self.back, self.used = lines, deque[TextLine](), list[TextLine]()

    def __iter__(self) -> "_Rewound":
        return self

    def __next__(self) -> str:
        line = self.back.popleft() if self.back else next(self.lines)
        self.used.append(line)
        return line.text

    def put_back(self) -> None:
        """Put back all lines of this record but the first, to be read again."""
        self.back.extendleft(reversed(self.used[1:]))


def csv_records(lines: Iterator[TextLine], style: Dialect) -> Iterator[tuple[int, list[str], str]]:
    """Yield the number of each record's first line, its fields, and what is wrong with it.

    Of an invalid record only the first line is lost: the others that its quote included are read again as records.
    """
    source = _Rewound(lines)
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if style.quoted else csv.QUOTE_NONE
    reader = csv.reader(source, delimiter=style.separator, quoting=quoting, strict=True)
    after_wrong = False
    while True:
        source.used.clear()
        fields: list[str] | None = []
        problem = ""
        try:
            fields = next(reader, None)
        except csv.Error as error:
            problem = _explained(str(error), source.used)
        if fields is None:
            return
        used = list(source.used)
        problem = (
            used[0].problem if len(used) == 1 else next((line.problem for line in used if line.problem), "")
        ) or problem
        if style.seen and not problem and len(used) > 1:
            problem = style.seen.swallowed(used, fields, style.separator)
        if problem:
            source.put_back()
        elif after_wrong and style.quoted and len(used) == 1 and any(cell.count('"') % 2 for cell in fields):
            problem = "the end of a text whose quote opens in a line before"
        after_wrong = bool(problem) or (after_wrong and style.seen is not None and len(fields) != style.seen.width)
        if fields or problem:
            yield used[0].number, fields, problem


def _explained(error: str, used: list[TextLine]) -> str:
    if "new-line character" in error:
        return "a line end (a carriage return) in the middle of a line; save the file with one kind of line ends"
    where = f" (lines {used[0].number} to {used[-1].number})" if len(used) > 1 else ""
    return f"{error}{where}; is a quote not closed, or not doubled? --quoting none reads quotes as characters"


class _Seen:
    """Values seen in each column, by which lines inside a quoted cell are recognized as rows."""

    def __init__(self, found: list[tuple[int, list[str], str]]):
        self.width = len(found[0][1]) if found else 0
        self.values = defaultdict[int, set[str]](set)
        for _, fields, problem in found[1:]:
            for i, field in enumerate([] if problem or len(fields) != self.width else fields[:WIDE]):
                if field and len(field) <= LONGEST_SEEN and "\n" not in field:
                    self.values[i].add(field.strip())

    def swallowed(self, used: list[TextLine], fields: list[str], separator: str) -> str:
        """Return the problem of a record whose lines are valid rows by themselves, the first with a known value."""
        rows = [_split(line.text, separator) for line in used]
        if self.width < 2 or any(len(row) != self.width for row in rows):
            return ""
        beside = [i for i, field in enumerate(fields) if "\n" not in field]
        if not any(rows[0][i].strip() in self.values[i] for i in beside):
            return ""
        return (
            f"a quote opens in this line and closes in line {used[-1].number}, so that {len(used)} rows become one; "
            "--quoting none reads quotes as characters, --quoting minimal takes it as one row"
        )


def _header(where: str, names: list[str], problem: str) -> list[str]:
    """Return the names of the columns. Raises DataError for duplicate and invalid names."""
    names = _named(names)
    name, count = Counter(names).most_common(1)[0] if names else ("", 0)
    longest = max(map(len, names), default=0)
    if not problem and count > 1:
        problem = f"two columns have the name {name[:80]!r}; rename one"
    if not problem and longest > LONGEST_NAME:
        problem = f"a column's name of {longest:,} letters; write a first line such as text,label"
    if problem:
        raise DataError(f"{where}: {problem}")
    return names


def _named(cells: list[str]) -> list[str]:
    """Return cells as names; an empty one is named by its number, as in pandas."""
    return [cell.strip() or f"Unnamed: {i}" for i, cell in enumerate(cells)]
