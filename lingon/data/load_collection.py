"""Loads collections for search: by name, or a user's folder in the layout of BEIR."""

from pathlib import Path

from lingon.core.errors import UserError
from lingon.data.corpora.retrieval import RETRIEVAL, Collection, load_collection
from lingon.data.files.beir import has_collection, read_beir
from lingon.data.files.lines import FileOptions, OnBadRow
from lingon.data.load_data import tell


def is_collection(name_or_path: str | Path) -> bool:
    """Return whether this is the name of a collection, or a folder with one."""
    return str(name_or_path) in RETRIEVAL or has_collection(Path(name_or_path))


def read_collection(
    name_or_path: str | Path,
    part: str | None = None,
    on_bad_row: OnBadRow = "stop",
    options: FileOptions = FileOptions(),
) -> Collection:
    """Return documents, queries and judgements.

    part: of the judgements of a folder, "test" when not given. Raises UserError for a part of a collection without
    parts, DataError with file and line for data that cannot be read.
    """
    name = str(name_or_path)
    if name in RETRIEVAL:
        if part not in (None, "test", "all"):
            raise UserError(f"--split {part}: the queries of {name!r} are not divided; leave it out")
        return load_collection(name)
    found, report = read_beir(Path(name), part, on_bad_row, options)
    tell(report)
    return found
