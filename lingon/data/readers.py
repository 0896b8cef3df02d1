"""Labelled texts from a user's own file or folder: csv, tsv, jsonl, json, parquet, or a folder per class."""

import csv
import gzip
import io
import json
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lingon.core.errors import DataError, UserError, suggest
from lingon.data.examples import Examples

FORMATS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
LONGEST_FIELD = 1 << 28  # characters of one cell
LARGEST = 1 << 33  # bytes of a file when unpacked
TEXT_NAMES = [
    "text",
    "review",
    "sentence",
    "comment",
    "body",
    "content",
    "message",
    "tweet",
    "document",
    "description",
    "extract",
    "question",
    "title",
]
LABEL_NAMES = [
    "label",
    "class",
    "category",
    "target",
    "sentiment",
    "stars",
    "rating",
    "topic",
    "polarity",
    "score",
    "tag",
    "y",
    "intent",
    "genre",
]

OnBadRow = Literal["stop", "skip"]
Row = tuple[int, dict[str, Any]]  # its line in the file, and its cells by column


@dataclass
class Report:
    """What reading a file came to: columns, skipped rows, and lines to tell the user."""

    text: str = ""
    label: str = ""
    skipped: int = 0
    first_skipped: str = ""
    said: list[str] = field(default_factory=list)


def read_examples(
    path: str | Path, text: str | None = None, label: str | None = None, on_bad_row: OnBadRow = "stop"
) -> tuple[Examples, Report]:
    """The labelled texts of a file or of a folder with one subfolder per class, and a report.

    text, label: names of columns; guessed when obvious, and the report says so. on_bad_row: "stop" raises at the first
    row without a text or a label, or that cannot be read; "skip" leaves it out and counts it.
    Raises DataError with file and line, UserError when columns are unknown or not obvious.
    """
    path = Path(path)
    if on_bad_row not in ("stop", "skip"):
        raise UserError(f"on_bad_row is {on_bad_row!r}; expected 'stop' or 'skip'")
    if path.is_dir():
        return _folder(path, Report(text="file", label="folder"))
    if not path.is_file():
        raise UserError(f"there is no file {str(path)!r}; {suggest(path.name, _beside(path))}")
    rows, report = _Rows(path, on_bad_row), Report()
    columns = rows.columns()
    report.text, report.label = choose_columns(path, columns, rows.first(100), text, label, report.said)
    texts, labels = [], []
    for line, row in rows:
        got_text, got_label = row.get(report.text), label_text(row.get(report.label))
        if not isinstance(got_text, str) or got_label is None:
            what = (
                f"column {report.text!r} has no text" if got_label is not None else f"column {report.label!r} is empty"
            )
            rows.bad(line, what)
            continue
        texts.append(got_text)
        labels.append(got_label)
    report.skipped, report.first_skipped = rows.skipped, rows.first_skipped
    if not texts:
        raise DataError(f"{path}: holds no rows with a text and a label")
    if rows.skipped:
        report.said.append(f"{path.name}: skipped {rows.skipped:,} bad rows, the first: {rows.first_skipped}")
    return Examples(texts, labels), report


def label_text(value: Any) -> str | None:
    """A label as text: 3.0 is "3", True is "true"; None, NaN and blanks are no label."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() or None


def choose_columns(
    path: Path, columns: list[str], sample: list[dict], text: str | None, label: str | None, said: list[str]
) -> tuple[str, str]:
    """The columns of texts and labels: as given, else by an obvious name, else the longer and the shorter of two."""
    for flag, name in (("--text", text), ("--label", label)):
        if name is not None and name not in columns:
            raise UserError(f"{path} has no column {name!r} for {flag}; {suggest(name, columns)}")
    chosen_text = text or _by_name(columns, TEXT_NAMES, label)
    chosen_label = label or _by_name(columns, LABEL_NAMES, chosen_text)
    if len(columns) == 2 and (chosen_text is None or chosen_label is None):
        if chosen_text is None and chosen_label is None:
            chosen_text = _longer(columns, sample)
        chosen_text = chosen_text or next(c for c in columns if c != chosen_label)
        chosen_label = chosen_label or next((c for c in columns if c != chosen_text), None)
    if chosen_text is None or chosen_label is None or chosen_text == chosen_label:
        raise UserError(
            f"{path}: which columns hold the texts and the labels is not obvious; columns: {', '.join(columns)}; "
            "name them with --text and --label"
        )
    if text is None or label is None:
        said.append(f"{path.name}: texts from column {chosen_text!r}, labels from column {chosen_label!r}")
    return chosen_text, chosen_label


def _by_name(columns: list[str], names: list[str], taken: str | None) -> str | None:
    """The one column with an obvious name; None when there is none, or more than one."""
    found = [c for c in columns if c.strip().lower() in names and c != taken]
    return found[0] if len(found) == 1 else None


def _longer(columns: list[str], sample: list[dict]) -> str | None:
    first, second = (sum(len(str(row.get(c) or "")) for row in sample) for c in columns)
    if max(first, second) < 3 * min(first, second):
        return None
    return columns[0] if first > second else columns[1]


def _beside(path: Path) -> list[str]:
    return [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []


def _folder(path: Path, report: Report) -> tuple[Examples, Report]:
    """path/LABEL/*.txt: the folder's name is the label, each file is a text."""
    texts, labels = [], []
    for place in sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith(".")):
        for file in sorted(place.glob("*.txt")):
            texts.append(_decode(file, file.read_bytes()))
            labels.append(place.name)
    if not texts:
        raise DataError(
            f"{path}: holds no text; expected a folder per class with .txt files in it, as {path}/spam/1.txt"
        )
    report.said.append(f"{path.name}: {len(texts):,} texts; labels are the names of the folders")
    return Examples(texts, labels), report


def _decode(path: Path, data: bytes) -> str:
    if b"\0" in data[:4096]:
        raise DataError(f"{path}:1: not a text file (it has zero bytes)")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}:{line}: not UTF-8 text; convert it, as with: iconv -f latin1 -t utf8") from None


class _Rows:
    """The rows of a file, one after the other, whatever its format."""

    def __init__(self, path: Path, on_bad_row: OnBadRow):
        self.path, self.on_bad_row, self.skipped, self.first_skipped = path, on_bad_row, 0, ""
        suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
        if suffix.lower() not in FORMATS:
            raise UserError(f"{path}: ends in {path.suffix!r}; expected one of {', '.join(FORMATS)}, also with .gz")
        self.suffix = suffix.lower()
        self._data: str | bytes | None = None

    def bad(self, line: int, what: str) -> None:
        """A row that cannot be used: stops, or counts it."""
        where = f"{self.path}:{line}: {what}"
        if self.on_bad_row == "stop":
            raise DataError(f"{where}; --on-bad-row skip leaves such rows out")
        self.skipped += 1
        self.first_skipped = self.first_skipped or where

    def columns(self) -> list[str]:
        names: dict[str, None] = {}
        for _, row in zip(range(100), self._each(quiet=True), strict=False):
            names.update(dict.fromkeys(row[1]))
        if not names:
            raise DataError(f"{self.path}: holds no rows")
        return list(names)

    def first(self, count: int) -> list[dict]:
        return [row for _, (_, row) in zip(range(count), self._each(quiet=True), strict=False)]

    def __iter__(self) -> Iterator[Row]:
        return self._each(quiet=False)

    def _each(self, quiet: bool) -> Iterator[Row]:
        if self.suffix == ".parquet":
            return self._parquet()
        if self._data is None:
            self._data = _decode(self.path, self._bytes())
        if not self._data.strip():
            raise DataError(f"{self.path}: the file is empty")
        if self.suffix in (".csv", ".tsv"):
            return self._csv(quiet)
        return self._json() if self.suffix == ".json" else self._jsonl(quiet)

    def _bytes(self) -> bytes:
        if self.path.suffix != ".gz":
            return self.path.read_bytes()
        try:
            with gzip.open(self.path) as file:
                data = file.read(LARGEST + 1)
        except (EOFError, OSError, zlib.error) as error:
            raise DataError(f"{self.path}: a broken gzip file ({error})") from None
        if len(data) > LARGEST:
            raise DataError(f"{self.path}: more than {LARGEST:,} bytes when unpacked")
        return data

    def _csv(self, quiet: bool) -> Iterator[Row]:
        csv.field_size_limit(LONGEST_FIELD)
        delimiter = "\t" if self.suffix == ".tsv" else self._delimiter()
        reader = csv.reader(io.StringIO(self._data, newline=""), delimiter=delimiter, strict=True)
        try:
            header = next(reader)
        except (csv.Error, StopIteration) as error:
            raise DataError(f"{self.path}:1: not a csv file ({error})") from None
        if len(set(header)) < len(header):
            raise DataError(f"{self.path}:1: a column is there twice: {', '.join(header)}")
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                # A quote that is never closed swallows the rest of the file, so there is nothing to go on with.
                raise DataError(f"{self.path}:{line}: not a row of csv ({error})") from None
            if not cells:
                continue
            if len(cells) != len(header):
                if not quiet:
                    self.bad(line, f"{len(cells)} cells where the header has {len(header)}")
                continue
            yield line, dict(zip(header, cells, strict=True))

    def _delimiter(self) -> str:
        """Comma, semicolon or tab: whichever the header has most of."""
        header = self._data.split("\n", 1)[0]
        return max(",;\t", key=header.count)

    def _jsonl(self, quiet: bool) -> Iterator[Row]:
        for number, line in enumerate(self._data.split("\n"), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                if not quiet:
                    self.bad(number, f"not JSON ({error})")
                continue
            if not isinstance(row, dict):
                if not quiet:
                    self.bad(number, "not a JSON object")
                continue
            yield number, row

    def _json(self) -> Iterator[Row]:
        try:
            rows = json.loads(self._data)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{self.path}:{getattr(error, 'lineno', 1)}: not JSON ({error})") from None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise DataError(f'{self.path}: expected a list of objects, as [{{"text": ..., "label": ...}}]')
        yield from enumerate(rows, 1)

    def _parquet(self) -> Iterator[Row]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(self.path) as file:
                number = 0
                for batch in file.iter_batches():
                    for row in batch.to_pylist():
                        number += 1
                        yield number, row
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{self.path}: a broken parquet file ({' '.join(str(error).split())[:120]})") from None
