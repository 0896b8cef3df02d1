"""Captions of the user's images, in a table beside them (csv, tsv, jsonl, parquet), or in the json of MS COCO."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError, one_of
from lingon.data.files.images import ENDINGS
from lingon.data.files.lines import FileOptions, OnBadRow, read_text
from lingon.data.files.row import cell_text
from lingon.data.files.table_rows import TABLES, file_suffix, read_rows

__all__ = ["CaptionFile", "read_captions", "table_of"]

NAMES = ("captions", "metadata")  # of the table in a folder of images
IMAGE_COLUMNS = ("image", "file_name", "filename", "path", "file")
CAPTION_COLUMNS = ("caption", "text", "captions", "sentence", "description")
SKIP = "--on-bad-row skip leaves such rows out"


@dataclass
class CaptionFile:
    """The captions of a table: one or more for each image, by its path, in the order of the rows.

    skipped: number of rows left out, with the first of them. uncaptioned: number of images without a row.
    """

    path: Path
    captions: dict[Path, list[str]] = field(default_factory=dict)
    skipped: int = 0
    first_skipped: str = ""
    uncaptioned: int = 0

    def leave_out(self, problem: str, on_bad_row: OnBadRow, rows: int = 1) -> None:
        """Count invalid rows. Raises DataError with the problem if `on_bad_row` is "stop"."""
        if on_bad_row == "stop":
            raise DataError(f"{problem}; {SKIP}")
        self.skipped += rows
        self.first_skipped = self.first_skipped or problem

    def messages(self) -> list[str]:
        """Return lines of text about skipped rows and images without captions."""
        said = []
        if self.skipped:
            said.append(f"{self.path.name}: bad rows skipped: {self.skipped:,}, the first: {self.first_skipped}")
        if self.uncaptioned:
            said.append(
                f"{self.path.name}: {counted(self.uncaptioned, 'image')} beside it have no caption and are left out"
            )
        return said


class _Row(NamedTuple):
    where: str
    image: str
    caption: str
    problem: str = ""


def table_of(folder: Path) -> Path:
    """Return the table with the captions of a folder of images. Raises UserError if there is none, or several."""
    found = [p for p in sorted(folder.iterdir()) if p.is_file() and file_suffix(p) in TABLES]
    named = [p for p in found if p.name.split(".")[0].lower() in NAMES] or found
    if len(named) != 1:
        what = f"several tables: {one_of(p.name for p in named)}" if named else "no table with captions"
        raise UserError(
            f"{str(folder)!r} has {what}; expected captions.csv or captions.jsonl with the columns image and caption"
        )
    return named[0]


def read_captions(path: Path, on_bad_row: OnBadRow = "stop", options: FileOptions = FileOptions()) -> CaptionFile:
    """Return the captions of a table with paths of images relative to it, or of a json of MS COCO.

    A row is one caption; an image may have several rows, and a cell of jsonl several captions. Columns: image or
    file_name, and caption or text. on_bad_row: "stop" raises at the first row with an empty caption or a missing image;
    "skip" leaves such rows out and counts them.
    Raises DataError with file and row, UserError for a table without these columns.
    """
    found, folder = CaptionFile(path), path.parent
    for row in _rows(path, options):
        file = folder / row.image
        problem = row.problem or _problem(row, file)
        if not problem:
            found.captions.setdefault(file, []).append(" ".join(row.caption.split()))
            continue
        found.leave_out(f"{path}{row.where}: {problem}", on_bad_row)
    if not found.captions:
        raise DataError(f"{path}: no captions in it" + (f"; {found.first_skipped}" if found.skipped else ""))
    places = {file.parent for file in found.captions}
    inside = {p for place in places for p in place.iterdir() if p.suffix.lower() in ENDINGS and p.is_file()}
    found.uncaptioned = len(inside - found.captions.keys())
    return found


def _problem(row: _Row, file: Path) -> str:
    if not row.image.strip():
        return "a caption without an image; expected the name of a file"
    if not row.caption.strip():
        return f"the caption of {row.image!r} is empty; write one, or remove the row"
    return "" if file.is_file() else f"there is no image {row.image!r} beside the table"


def _rows(path: Path, options: FileOptions) -> Iterator[_Row]:
    if file_suffix(path) == ".json" and (coco := _coco(path, options)) is not None:
        yield from coco
        return
    columns: tuple[str, str] | None = None
    for row in read_rows(path, None, options):
        if row.problem:
            yield _Row(row.where, "", "", row.problem)
            continue
        columns = columns or _columns(path, row.values)
        image, cell = cell_text(row.values.get(columns[0])) or "", row.values.get(columns[1])
        for caption in cell if isinstance(cell, list) and cell else [cell]:
            yield _Row(row.where, image, cell_text(caption) or "")


def _columns(path: Path, values: dict[str, Any]) -> tuple[str, str]:
    """Return the columns of images and of captions. Raises UserError if one is missing."""
    lower = {str(name).strip().lower(): name for name in values}
    found = []
    for wanted in (IMAGE_COLUMNS, CAPTION_COLUMNS):
        name = next((lower[one] for one in wanted if one in lower), None)
        if name is None:
            raise UserError(f"{path}: no column {wanted[0]!r}; it has {one_of(map(str, values))}")
        found.append(name)
    return found[0], found[1]


def _coco(path: Path, options: FileOptions) -> list[_Row] | None:
    """Return the captions of a json in the layout of MS COCO, None for another. Raises DataError if it is invalid."""
    try:
        table = json.loads(read_text(path, options.encoding))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not JSON ({error}); is the file truncated?") from None
    if not isinstance(table, dict) or not {"images", "annotations"} <= table.keys():
        return None
    files: dict[Any, Any] = {}
    for number, image in enumerate(_objects(path, table, "images"), 1):
        if not isinstance(image.get("file_name"), str) or not isinstance(image.get("id"), int | str):
            raise DataError(f"{path}: image {number} has no id, or no file_name that is a text")
        files[image["id"]] = image["file_name"]
    rows = []
    for number, one in enumerate(_objects(path, table, "annotations"), 1):
        where, caption, key = f": annotation {number}", cell_text(one.get("caption")) or "", one.get("image_id")
        known = isinstance(key, int | str) and key in files
        problem = "" if known else f"image_id {str(key)[:40]!r} is none of the images"
        rows.append(_Row(where, files.get(key, "") if known else "", caption, problem))
    return rows


def _objects(path: Path, table: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = table[key]
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise DataError(f"{path}: {key!r} is no list of objects, as MS COCO has it")
    return found
