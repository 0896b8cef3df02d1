"""Reads running text by part and in pieces: a corpus by name, or a file or folder of the user."""

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from lingon.core.errors import DataError, UserError, suggest, unknown
from lingon.data.corpora import CORPORA, TEXTS, load_text
from lingon.data.corpora.load import PARTS
from lingon.data.file_parts import read_file_part
from lingon.data.files.file_pieces import read_pieces, utf8_size
from lingon.data.files.labelled_texts import peek, text_problem
from lingon.data.files.lines import FileOptions
from lingon.data.files.row import cell_text
from lingon.data.files.table_rows import is_table, read_rows
from lingon.data.files.text_columns import choose_text_column
from lingon.data.files.text_stream import split_long_line, stream_lines
from lingon.data.text_division import by_document

DIVISION = 2  # increased when the division changes, so that results of an older one are not reused
GROUPS = {"english": ("sotu", "brown", "austen", "kjv", "wiki", "imdb"), "imdb-text": ("imdb",)}  # names for several


def read_documents(
    sources: Sequence[str],
    part: str,
    accept_licence: bool = False,
    text: str | None = None,
    options: FileOptions = FileOptions(),
) -> Iterator[str]:
    """Yield the documents of a part ("train", "valid", "test" or "all") of several texts.

    sources: names of corpora (`lingon data list`), "english" for all of them in English, files of plain text, maybe
    packed (.gz, .xz), folders of .txt files, or tables (csv, tsv, jsonl, json, parquet, lines of fastText), of which
    each row is a document. text: the column of a table; guessed when obvious.
    Of a file of plain text, the last twentieth is for the test and the one before it for validation; it is read in
    pieces of about a megabyte. A compressed file is divided like an uncompressed one: it is read once to count its
    bytes and twice to find the cuts, and never decompressed to disk. The files of a folder and the rows of a table are
    divided like the documents of a corpus, by the hash of each, or if they are few by `lingon.data.text_division`.
    Raises UserError for other sources, DataError with the place where a file is not UTF-8 text, or if a compressed one
    is broken.
    """
    if part not in (*PARTS, "all"):
        raise unknown("part", part, (*PARTS, "all"))
    for source in expand_groups(sources):
        path = Path(source)
        if source in TEXTS or source in CORPORA:
            yield from load_text(source, part, accept_licence)
        elif path.is_dir():
            yield from _divided(source, partial(_of_folder, path, options), part)
        elif path.is_file() and is_table(path, options):
            yield from _divided(source, partial(read_texts, path, text, options), part)
        elif path.is_file():
            yield from read_file_part(path, part, options.encoding)
        else:
            known = [*GROUPS, *TEXTS, *CORPORA]
            raise UserError(f"{source!r} is neither a text corpus nor a file; {suggest(source, known)}")


def read_texts(path: Path, text: str | None = None, options: FileOptions = FileOptions()) -> Iterator[str]:
    """Read the texts of a table, without the empty ones. Raises DataError with the row that cannot be read."""
    column = text_column(path, text, options)
    for row in read_rows(path, [column], options):
        if row.values.get(column) is None and not row.problem:
            continue
        if problem := text_problem(row, column):
            if problem == f"no text in column {column!r}":
                continue
            raise DataError(f"{path}{row.where}: {problem}")
        yield cell_text(row.values[column]) or ""


def text_column(path: Path, text: str | None, options: FileOptions) -> str:
    """Return the column of texts of a table; if it was guessed, it is reported on stderr, once per file."""
    names, first = peek(path, options)
    column, said = choose_text_column(path, names, [row.values for row in first if not row.problem], text)
    if said:
        _tell(said)
    return column


@lru_cache(maxsize=256)  # a source is read several times
def _tell(said: str) -> None:
    print(said, file=sys.stderr)


def _divided(name: str, documents: Callable[[], Iterator[str]], part: str) -> Iterator[str]:
    if part == "all":
        return (text for text in documents() if text.strip())
    return by_document(name, documents, part)


def expand_groups(sources: Sequence[str]) -> list[str]:
    """Return the sources with each group replaced by its members.

    >>> expand_groups(["english", "ptb"])
    ['sotu', 'brown', 'austen', 'kjv', 'wiki', 'imdb', 'ptb']
    """
    return [name for source in sources for name in GROUPS.get(source, (source,))]


def read_running_lines(
    sources: Sequence[str],
    part: str = "all",
    accept_licence: bool = False,
    text: str | None = None,
    options: FileOptions = FileOptions(),
) -> Iterator[str]:
    """Yield the non-empty lines of several texts; a line of over 65,536 characters is split.

    sources, text, options: as for `read_documents`. part: of corpora and folders; "all" is everything.
    Of a file, all lines are read for any part. Raises as `read_documents`.
    """
    if not sources:
        raise UserError("no texts are given; name a corpus (lingon data list) or a file")
    for source in expand_groups(sources):
        path, own = Path(source), source not in {**TEXTS, **CORPORA}
        if own and path.is_file() and not is_table(path, options):
            found = stream_lines(path, options.encoding)
        else:
            whole = "all" if own and path.is_file() else part
            documents = read_documents([source], whole, accept_licence, text, options)
            found = (piece for one in documents for line in one.splitlines() for piece in split_long_line(line))
        yield from (line for line in found if line and not line.isspace())


def is_corpus(source: str) -> bool:
    """Return whether this is the name of a corpus or of a group of them, rather than a user's file or folder."""
    return source in {**TEXTS, **CORPORA, **GROUPS}


def sources_fingerprint(
    sources: Sequence[str], text: str | None = None, options: FileOptions = FileOptions()
) -> list[Any]:
    """Return a fingerprint of texts without reading them: sha256 of packages, sizes and times of files."""
    known: dict[str, Any] = {**CORPORA, **TEXTS}
    found: list[Any] = []
    for source in expand_groups(sources):
        if source in known:
            found.append([source, known[source].source.sha256])
        else:
            paths = sorted(Path(source).rglob("*.txt")) if Path(source).is_dir() else [Path(source)]
            stats = [(str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns) for p in paths if p.is_file()]
            read = (DIVISION, text, options.encoding, options.quoting)
            found.append([source, hashlib.sha256(repr((stats, *read)).encode()).hexdigest()])
    return found


def _of_folder(folder: Path, options: FileOptions) -> Iterator[str]:
    paths = sorted(folder.rglob("*.txt"))
    if not paths:
        raise UserError(f"{folder} holds no .txt file")
    for path in paths:
        yield "".join(read_pieces(path, 0, utf8_size(path, options.encoding), options.encoding))
