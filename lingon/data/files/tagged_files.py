"""Opens a user's file of tagged words in any format: columns, CoNLL-U, rows of JSON or Parquet, or parallel files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lingon.core.errors import DataError, UserError, suggest
from lingon.data.files.conll_columns import Layout, conll_rows, layout_of
from lingon.data.files.lines import FileOptions, read_lines
from lingon.data.files.parallel_files import is_parallel, parallel_rows
from lingon.data.files.table_rows import file_suffix
from lingon.data.files.tagged_conllu import conllu_tags
from lingon.data.files.tagged_row import TaggedRow
from lingon.data.files.tagged_tables import table_sentences

JSON = (".jsonl", ".ndjson", ".json")
CONLLU_WIDTH = 10


@dataclass(frozen=True)
class TaggedFile:
    """File of tagged sentences: its format, and a function that reads it."""

    path: Path
    form: str
    read: Callable[[], Iterator[TaggedRow]]


def open_tagged(path: Path, options: FileOptions = FileOptions(), column: str | None = None) -> TaggedFile:
    """Open a file; its content tells the format: CoNLL-U, columns, or rows of JSON; Parquet is told by the name.

    Raises UserError for a missing file, DataError for one that is empty or in no such format.
    """
    if path.is_dir():
        if not is_parallel(path):
            raise DataError(f"{path}: a folder without seq.in and seq.out (words and tags, a sentence to a line)")
        if column is not None:
            raise UserError(f"--column {column[:40]!r}: {path} is a folder of files, whose tags are in seq.out")
        return TaggedFile(path, "parallel files", lambda: parallel_rows(path, options))
    if not path.is_file():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UserError(f"there is no file {str(path)!r}; {suggest(path.name, beside)}")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty")
    if file_suffix(path) == ".parquet" or (file_suffix(path) in JSON and _starts_as_json(path, options)):
        return TaggedFile(path, "table", lambda: table_sentences(path, options, column))
    if file_suffix(path) == ".csv":
        raise DataError(
            f"{path}: a csv; tagged words are read from lines of a word, a tab and its tag, with an empty line between "
            'sentences, or from rows of JSON, as {"tokens": ["Ann"], "tags": ["B-person"]}'
        )
    layout = layout_of(read_lines(path, options.encoding))
    if layout.width == 0:
        raise DataError(f"{path}: no words in it; expected a word and its tag on a line, or rows of JSON")
    if _is_conllu(path, layout, options):
        return TaggedFile(path, "conllu", lambda: conllu_tags(path, options, column))
    if _starts_as_json(path, options):
        raise DataError(f"{path}: looks like JSON; name it .jsonl (an object a line) or .json (a list of objects)")
    return TaggedFile(path, "columns", lambda: conll_rows(path, options, column))


def _starts_as_json(path: Path, options: FileOptions) -> bool:
    first = next((line.text for line in read_lines(path, options.encoding) if line.text.strip()), "")
    return first.lstrip().startswith(("{", "[{", "[[", '["')) or first.strip() == "["


def _is_conllu(path: Path, layout: Layout, options: FileOptions) -> bool:
    """Return whether lines have ten columns separated by tabs, the first of which numbers the words."""
    if file_suffix(path) in (".conllu", ".conllup"):
        return True
    if not layout.tabs or layout.width != CONLLU_WIDTH:
        return False
    words = (line.text for line in read_lines(path, options.encoding) if line.text.strip() and line.text[0] != "#")
    return layout.cells(next(words, ""))[0].split("-")[0] in ("1", "0.1")
