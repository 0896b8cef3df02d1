"""Collections for search: documents, queries and relevance judgements."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lingon.core.errors import DataError, unknown
from lingon.core.files import read_bytes
from lingon.data.fetch import fetch
from lingon.data.sources import RepositoryFiles, Source

MOST_BYTES = 1 << 28  # of one file


class SearchDocument(NamedTuple):
    """A document of a collection: its number in the judgements, its title, and its text without the title."""

    number: str
    title: str
    text: str


@dataclass(frozen=True)
class Collection:
    """Documents, queries by number, and the relevance of judged documents by query."""

    documents: list[SearchDocument]
    queries: dict[str, str]
    judgements: dict[str, dict[str, int]]


@dataclass(frozen=True)
class RetrievalSet:
    """A row of the table: `parse` returns the collection from the files of the source."""

    name: str
    summary: str
    source: Source
    licence: str
    parse: Callable[[Path], Collection]


CRANFIELD = RepositoryFiles(
    "oussbenk/cranfield-trec-dataset",
    "1208e6edfb6cb2527b2c44398d3d8fefd3249144",
    (
        ("cran.all.1400.xml", 1_741_433, "369eb64e59d855b62463832f1338f471cede578571ee7fb33e3592a2a138ff47"),
        ("cran.qry.xml", 37_964, "b609a59e980857ba59d098f33433822a5c200bcf6836a320babf2b1a5e7545eb"),
        ("cranqrel.trec.txt", 23_217, "98a13b4913d61a02690725aee7ac4f6a1979c13fc9088ad9b4a81be58b1a6f11"),
    ),
)


def cranfield(folder: Path) -> Collection:
    """Return Cranfield 1400 (Cleverdon 1967): abstracts on aerodynamics, 225 questions, 1,837 judgements.

    As in the judgements, queries are numbered 1 to 225 in order, regardless of their `<num>` (1, 2, 4, 8 ...).
    Relevance is 1 or 0 as in the files, once 3; these lack the original grades of 1967. Each text repeats its title at
    the start, which is removed.
    """
    file = folder / "cran.all.1400.xml"
    documents = []
    for part in _parts(file, "doc"):
        number, title, text = (_field(file, part, name) for name in ("docno", "title", "text"))
        documents.append(SearchDocument(number, title, text.removeprefix(title).strip()))
    asked = [_field(folder / "cran.qry.xml", part, "title") for part in _parts(folder / "cran.qry.xml", "top")]
    queries = {str(number): text for number, text in enumerate(asked, 1)}
    return Collection(documents, queries, _judgements(folder / "cranqrel.trec.txt"))


def _parts(file: Path, name: str) -> list[str]:
    """Return the contents of all elements of a name. The file is not XML: it has no root, and nothing is escaped."""
    try:
        text = read_bytes(file, MOST_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not UTF-8 text (byte {error.start})") from None
    return re.findall(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)


def _field(file: Path, part: str, name: str) -> str:
    found = re.search(rf"<{name}>(.*?)</{name}>", part, re.DOTALL)
    if found is None:
        raise DataError(f"{file}: no <{name}> in {' '.join(part.split())[:60]!r}")
    return " ".join(found[1].split())


def _judgements(file: Path) -> dict[str, dict[str, int]]:
    """Return judgements in the TREC format: query, an unused column, document, relevance."""
    found: dict[str, dict[str, int]] = {}
    for number, line in enumerate(read_bytes(file, MOST_BYTES).decode("ascii", "replace").splitlines(), 1):
        parts = line.split()
        if len(parts) != 4 or not re.fullmatch(r"-?\d{1,9}", parts[3]):
            raise DataError(f"{file}:{number}: {line[:60]!r}; expected query, 0, document and relevance")
        found.setdefault(parts[0], {})[parts[2]] = int(parts[3])
    return found


RETRIEVAL = {
    row.name: row
    for row in [
        RetrievalSet(
            "cranfield",
            "1,400 abstracts, 225 queries, 1,837 judgements",
            CRANFIELD,
            "public research collection, licence not stated",
            cranfield,
        ),
    ]
}


def load_collection(name: str) -> Collection:
    """Return a collection by name (see RETRIEVAL), downloaded if it is not in the cache.

    Raises UserError for an unknown name, FetchError when the download fails.
    """
    if name not in RETRIEVAL:
        raise unknown("collection", name, RETRIEVAL)
    row = RETRIEVAL[name]
    return row.parse(fetch(row.source, name))
