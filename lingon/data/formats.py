"""Rows of a user's file, one after the other, whatever its format."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

from lingon.core.errors import DataError, suggest

FORMATS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".txt")
MOST_LINE = 64 << 20  # bytes; more is no line of text
MOST_FILE = 4 << 30  # bytes of a file that has to be in memory as a whole, unpacked
SEPARATORS = ",;\t|"
BROKEN = (EOFError, OSError, zlib.error)


class Row(NamedTuple):
    """One row: where it stands (`:17`, or `: row 17`), its values by column, or else what is wrong with it."""

    where: str
    values: dict[str, Any]
    wrong: str = ""


def format_of(path: Path) -> str:
    """The format of a file by its name, without .gz. Raises DataError with the formats there are."""
    name = Path(path.name.lower().removesuffix(".gz"))
    if name.suffix not in FORMATS:
        raise DataError(
            f"{path}: ends in {name.suffix!r}; {suggest(name.suffix, FORMATS)} (each also .gz), or a folder"
        )
    return name.suffix


def rows_of(path: Path, only: list[str] | None = None) -> Iterator[Row]:
    """The rows of a csv, tsv, jsonl, json, parquet or txt file (each also .gz).

    only: columns that are needed, where leaving the others out saves time.
    Raises DataError with path and line for a file that is empty, cut short, or no text.
    """
    readers: dict[str, Callable[[Path], Iterator[Row]]] = {
        ".csv": _csv, ".tsv": partial(_separated, separator="\t"), ".txt": _txt,
        ".jsonl": _jsonl, ".ndjson": _jsonl, ".json": _json, ".parquet": partial(_parquet, only=only),
    }  # fmt: skip
    read = readers[format_of(path)]
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty")
    yield from read(path)


def opened(path: Path) -> IO[bytes]:
    """The bytes of a file, unpacked when its name ends in .gz."""
    return gzip.open(path) if path.name.lower().endswith(".gz") else open(path, "rb")


class Lines:
    """The lines of a file as text, the number of the last one, and what is wrong with those since the last `take`."""

    def __init__(self, path: Path, file: IO[bytes]):
        self.path, self.file, self.number, self._wrong = path, file, 0, ""

    def __iter__(self) -> Iterator[str]:
        while line := self._next():
            self.number += 1
            if self.number == 1:
                line = _start(self.path, line)
            yield self._text(line)

    def take(self) -> str:
        """What was wrong with the lines of one row."""
        wrong, self._wrong = self._wrong, ""
        return wrong

    def _next(self) -> bytes:
        here = f"{self.path}:{self.number + 1}"
        try:
            line = self.file.readline(MOST_LINE + 1)
        except BROKEN as error:
            raise DataError(f"{here}: cut short or damaged ({error})") from None
        if len(line) > MOST_LINE:
            raise DataError(f"{here}: a line of more than {MOST_LINE:,} bytes; is this a file of lines?")
        return line

    def _text(self, line: bytes) -> str:
        if b"\0" in line:
            self._wrong = "not text (it holds NUL bytes)"
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            self._wrong = f"not UTF-8 (byte 0x{line[error.start]:02x}, place {error.start + 1}); save the file as UTF-8"
            return line.decode(errors="replace")


def _start(path: Path, data: bytes) -> bytes:
    """The beginning of a text without its byte-order mark. Raises DataError for what is no text, or no UTF-8."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{path}:1: UTF-16 text; save the file as UTF-8")
    if b"\0" in data[: 1 << 16]:
        raise DataError(f"{path}:1: not a text file (it holds NUL bytes)")
    return data.removeprefix(b"\xef\xbb\xbf")


def whole_text(path: Path) -> str:
    """All of a file as text. Raises DataError with the line that is not."""
    try:
        with opened(path) as file:
            data = file.read(MOST_FILE + 1)
    except BROKEN as error:
        raise DataError(f"{path}: cut short or damaged ({error})") from None
    if len(data) > MOST_FILE:
        raise DataError(f"{path}: more than {MOST_FILE:,} bytes; split it")
    try:
        return _start(path, data).decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}:{line}: not UTF-8 (byte 0x{data[error.start]:02x}); save the file as UTF-8") from None


def _csv(path: Path) -> Iterator[Row]:
    """Columns are separated by whichever of comma, semicolon, tab and bar the first line has most of."""
    with opened(path) as file:
        first = next((line for line in Lines(path, file) if line.strip()), "")
    return _separated(path, max(SEPARATORS, key=lambda s: len(next(csv.reader([first], delimiter=s), []))))


def _separated(path: Path, separator: str) -> Iterator[Row]:
    csv.field_size_limit(MOST_LINE)
    with opened(path) as file:
        names: list[str] = []
        for start, fields, wrong in _records(Lines(path, file), separator):
            if not names:
                names = _header(f"{path}:{start}", fields, wrong)
            elif not wrong and len(fields) != len(names):
                yield Row(f":{start}", {}, f"{len(fields)} cells, expected {len(names)}; is a text without its quotes?")
            else:
                yield Row(f":{start}", dict(zip(names, fields, strict=False)), wrong)
        if not names:
            raise DataError(f"{path}: the file is empty")


def _records(lines: Lines, separator: str) -> Iterator[tuple[int, list[str], str]]:
    """The line each record begins on, its fields, and what is wrong with it."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        start, wrong = lines.number + 1, ""
        try:
            fields = next(reader, None)
        except csv.Error as error:
            # After an error the reader goes on with the next line; a quote that is never closed takes all of them.
            wrong = f"{error} (lines {start} to {lines.number}); is a quote not closed, or not doubled?"
            fields = []
        if fields is None:
            return
        wrong = lines.take() or wrong
        if fields or wrong:
            yield start, fields, wrong


def _header(where: str, names: list[str], wrong: str) -> list[str]:
    names = [name.strip() for name in names]
    twice = [name for name in names if name and names.count(name) > 1]
    if wrong or twice:
        raise DataError(f"{where}: {wrong or f'two columns have the name {twice[0]!r}'}")
    return names


def _txt(path: Path) -> Iterator[Row]:
    """Lines such as `__label__positive the text`, as fastText has them."""
    with opened(path) as file:
        lines = Lines(path, file)
        for line in map(str.strip, lines):
            label, _, text = line.removeprefix("__label__").partition(" ")
            wrong = lines.take()
            if not wrong and line and not line.startswith("__label__"):
                wrong = "no label; expected a line such as: __label__positive A fine film."
            if line:
                yield Row(f":{lines.number}", {"text": text.strip(), "label": label}, wrong)


def _jsonl(path: Path) -> Iterator[Row]:
    with opened(path) as file:
        lines = Lines(path, file)
        for line in lines:
            if line.strip():
                yield _object(f":{lines.number}", line, lines.take())


def _object(where: str, line: str, wrong: str) -> Row:
    try:
        return _checked(where, json.loads(line), wrong)
    except (ValueError, RecursionError) as error:
        return Row(where, {}, wrong or f"not JSON ({error}); is the line cut short?")


def _checked(where: str, value: Any, wrong: str = "") -> Row:
    if not isinstance(value, dict):
        return Row(
            where, {}, wrong or f"a {type(value).__name__}, expected an object such as {{'text': ..., 'label': ...}}"
        )
    return Row(where, value, wrong)


def _json(path: Path) -> Iterator[Row]:
    """A list of objects; or lines of objects, which some call .json as well."""
    text = whole_text(path)
    try:
        items = json.loads(text)
    except (ValueError, RecursionError) as error:
        if text.lstrip().startswith("{") and str(error).startswith("Extra data"):
            return _jsonl(path)
        where = f"{path}:{getattr(error, 'lineno', 1)}"
        raise DataError(f"{where}: not JSON ({error}); is the file cut short?") from None
    if not isinstance(items, list):
        raise DataError(f"{path}: a JSON {type(items).__name__}, expected a list of objects")
    return (_checked(f": item {i}", item) for i, item in enumerate(items, 1))


def _parquet(path: Path, only: list[str] | None) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        source: Any = path
        if path.name.lower().endswith(".gz"):
            with opened(path) as file:
                source = io.BytesIO(file.read(MOST_FILE))
        with pq.ParquetFile(source) as file:
            for batch in file.iter_batches(1024, columns=only):
                for values in batch.to_pylist():
                    number += 1
                    yield Row(f": row {number}", values)
    except (pa.ArrowException, UnicodeDecodeError, *BROKEN) as error:
        reason = " ".join(str(error).split())[:120]
        raise DataError(f"{path}: cannot be read as parquet after row {number:,}; is it whole? ({reason})") from None
