"""Writes a table of any size a few rows at a time, as csv, tsv, jsonl or parquet, completely or not at all."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from lingon.core.errors import DataError, UserError, unknown
from lingon.core.files import atomic_write
from lingon.core.strict_json import dumps
from lingon.data.files.row import cell_text

ENDINGS = (".csv", ".tsv", ".jsonl", ".parquet")
TableRows = Sequence[dict[str, Any]]
Write = Callable[[TableRows], None]


def check_table(path: Path, source: Path, overwrite: bool) -> None:
    """Raise UserError unless a table can be written here without losing data; call it before any work."""
    if path.suffix.lower() not in ENDINGS:
        raise unknown("ending of a table", path.suffix or path.name, ENDINGS)
    check_output(path, source, overwrite)


def check_output(path: Path, source: Path | None, overwrite: bool) -> None:
    """Raise UserError for a file that cannot be written without losing data. source: the file that is read, if any."""
    if path.is_dir():
        raise UserError(f"{path}: a folder; expected the name of a file")
    if path.exists() and source is not None and source.exists() and path.samefile(source):
        raise UserError(f"{path}: is the input file; write to another name")
    if path.exists() and not overwrite:
        raise UserError(f"{path}: already exists; write to another name, or replace it with --overwrite")


def holds_lists(path: Path) -> bool:
    """Return whether a cell may be a list of anything, as in jsonl; other formats write it as text."""
    return path.suffix.lower() == ".jsonl"


@contextmanager
def table_writer(path: Path) -> Iterator[Write]:
    """Open a table for writing, as a function that writes rows; the file gets its name if the block ends normally.

    The columns of csv, tsv and parquet, and the types of parquet, are those of the rows that are written first.
    Raises DataError for a row with others.
    """
    kind = path.suffix.lower()
    with atomic_write(path, "wb" if kind == ".parquet" else "w") as file:
        if kind == ".parquet":
            writer = _Parquet(path, file)
            try:
                yield writer.write
            finally:
                writer.close()
        elif kind == ".jsonl":
            yield lambda rows: file.writelines(dumps(_json(row)) + "\n" for row in rows)
        else:
            yield _Separated(path, file, "\t" if kind == ".tsv" else ",").write


class _Separated:
    """Rows as csv: values other than texts, numbers and dates are written as JSON."""

    def __init__(self, path: Path, file: IO[str], separator: str):
        self.path, self.names = path, list[str]()
        self.writer = csv.writer(file, delimiter=separator, lineterminator="\n")

    def write(self, rows: TableRows) -> None:
        if rows and not self.names:
            self.names = _names(rows)
            self.writer.writerow(self.names)
        _refuse_others(self.path, self.names, rows)
        self.writer.writerows([_cell(row.get(name)) for name in self.names] for row in rows)


class _Parquet:
    """Rows as parquet, one row group for each write."""

    def __init__(self, path: Path, file: IO[bytes]):
        self.path, self.file = path, file
        self.writer: Any = None
        self.schema: Any = None

    def write(self, rows: TableRows) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not rows:
            return
        try:
            if self.schema is None:
                found = pa.Table.from_pylist([dict.fromkeys(_names(rows)) | row for row in rows]).schema
                # A column without a value so far may hold anything later; text can hold most of it.
                fields = [f.with_type(pa.string()) if pa.types.is_null(f.type) else f for f in found]
                self.schema = pa.schema(fields)
                self.writer = pq.ParquetWriter(self.file, self.schema, compression="zstd")
            _refuse_others(self.path, self.schema.names, rows)
            self.writer.write_table(pa.Table.from_pylist(list(rows), self.schema))
        except pa.ArrowException as error:
            reason = " ".join(str(error).split())[:120]
            raise DataError(
                f"{self.path}: values of one column are of several types ({reason}); write .jsonl"
            ) from None

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()


def _names(rows: TableRows) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _refuse_others(path: Path, names: Sequence[str], rows: TableRows) -> None:
    known = set(names)
    other = next((name for row in rows for name in row if name not in known), None)
    if other is not None:
        raise DataError(f"{path}: a later row has another column, {other[:80]!r}; write .jsonl, which may have it")


def _cell(value: Any) -> str | int | float | None:
    if isinstance(value, list | dict | tuple):
        return dumps(_json(value))
    if isinstance(value, str | int | float):
        return value
    return None if value is None else cell_text(value)


def _json(value: Any) -> Any:
    """Return a value in the types of JSON: dates as ISO 8601."""
    if isinstance(value, dict):
        return {name: _json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_json(one) for one in value]
    return value if value is None or isinstance(value, str | int | float) else cell_text(value)
