"""One door to running text: a corpus by name, a file or a folder of the user's own; part by part, piece by piece."""

import codecs
import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import IO, Any

from lingon.core.errors import DataError, UserError, suggest, unknown
from lingon.data.corpora import CORPORA, TEXTS, load_text
from lingon.data.corpora.load import PARTS
from lingon.data.files.labelled_texts import peek, text_problem
from lingon.data.files.lines import BROKEN, OTHER, FileOptions, is_compressed, open_utf8
from lingon.data.files.row import cell_text
from lingon.data.files.table_rows import is_table, read_rows
from lingon.data.files.text_columns import choose_text_column
from lingon.data.files.text_stream import split_long_line, stream_lines
from lingon.data.text_division import SHORTEST, TEST, VALID, by_document

PIECE = 1 << 20  # characters of a file that are in memory at a time, or a line more
LONGEST_LINE = 16 << 20  # bytes; a longer one is read in pieces
WORD = 1 << 16  # bytes in which the end of a word is looked for
DIVISION = 2  # raised when the division changes, so that what an older one made is not used
GROUPS = {"english": ("sotu", "brown", "austen", "kjv", "wiki", "imdb"), "imdb-text": ("imdb",)}  # names for several


def read_documents(
    sources: Sequence[str],
    part: str,
    accept_licence: bool = False,
    text: str | None = None,
    options: FileOptions = FileOptions(),
) -> Iterator[str]:
    """Read the documents of a part ("train", "valid", "test" or "all") of several texts, one by one.

    sources: names of corpora (`lingon data list`), "english" for all of them in English, files of plain text, maybe
    packed (.gz, .xz), folders of .txt files, or tables (csv, tsv, jsonl, json, parquet, lines of fastText), of which
    each row is a document. text: the column of a table; guessed when obvious.
    Of a file of plain text, the last twentieth is for the test and the one before it for validation; it is read in
    pieces of about a megabyte. A packed file is divided as if it were not packed: it is read once to count its bytes
    and twice to find the cuts, and never unpacked to disk. The files of a folder and the rows of a table are divided
    as the documents of a corpus are, by the hash of each, or if they are few by `lingon.data.text_division`.
    Raises UserError for what is neither, DataError that names the place where a file is not text in UTF-8, or says
    that a packed one is broken.
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
            yield from _of_file(path, part, options.encoding)
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


@lru_cache(maxsize=256)  # a source is read several times, and its column is said once
def text_column(path: Path, text: str | None, options: FileOptions) -> str:
    """Return the column of texts of a table; printed on stderr when it was guessed."""
    names, first = peek(path, options)
    column, said = choose_text_column(path, names, [row.values for row in first if not row.problem], text)
    if said:
        print(said, file=sys.stderr)
    return column


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
    """Read the lines of several texts, without the empty ones; a line of over 65,536 characters is cut.

    sources, text, options: as for `read_documents`. part: of corpora and folders; "all" is everything.
    A file is read whole, whatever the part. Raises as `read_documents`.
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
    """Return whether this is the name of a corpus or of a group of them, and no file or folder of the user's."""
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
        yield "".join(_pieces(path, 0, _size(path, options.encoding), options.encoding))


def _of_file(path: Path, part: str, encoding: str) -> Iterator[str]:
    found = path.stat()
    if part == "all":
        yield from _pieces(path, 0, _size(path, encoding), encoding)
        return
    cuts = _cuts(path, encoding, found.st_size, found.st_mtime_ns)
    which = PARTS.index(part)
    yield from _pieces(path, cuts[which], cuts[which + 1], encoding)


def _size(path: Path, encoding: str) -> int:
    """Return the bytes of a file as UTF-8, decompressed."""
    if not is_compressed(path) and codecs.lookup(encoding).name == "utf-8":
        return path.stat().st_size
    with _opened(path, encoding) as file:
        return sum(map(len, iter(lambda: file.read(PIECE), b"")))


@lru_cache(maxsize=256)
def _cuts(path: Path, encoding: str, size: int, changed: int) -> list[int]:
    """Return where the parts begin, and the end, in decompressed bytes. size, changed: of the file, for the cache."""
    end = _size(path, encoding)
    if end < SHORTEST:
        raise DataError(
            f"{path}: {end} bytes are too few to cut the last twentieth off for the test and the one before it for "
            f"validation; expected {SHORTEST} or more (lingon evaluate takes the whole file with --split all)"
        )
    for start in (_line_start, _word_start, _character_start):
        cuts = [0]
        for share in (1 - TEST - VALID, 1 - TEST):
            with _opened(path, encoding) as file:
                cuts.append(start(file, int(end * share)))
        if cuts[0] < cuts[1] < cuts[2] < end:
            break
    return [*cuts, end]


def _line_start(file: IO[bytes], at: int) -> int:
    """Return the start of the first line after a place."""
    file.seek(at)
    while (piece := file.readline(PIECE)) and not piece.endswith(b"\n"):
        pass
    return file.tell()


def _word_start(file: IO[bytes], at: int) -> int:
    """Return the start of the first word after a place, as far as it can be seen."""
    file.seek(at)
    data = file.read(WORD)
    return at + data.find(b" ") + 1 if b" " in data else at + _inside_character(data)


def _character_start(file: IO[bytes], at: int) -> int:
    file.seek(at)
    return at + _inside_character(file.read(4))


def _inside_character(data: bytes) -> int:
    """Return how many bytes at the start belong to a character that begins before."""
    return next((i for i, byte in enumerate(data[:4]) if byte & 0xC0 != 0x80), 0)


def _lines_before(path: Path, stop: int, encoding: str) -> int:
    """Return how many lines begin before a place."""
    with _opened(path, encoding) as file:
        count, left = 0, stop
        while left > 0 and (line := file.readline(min(PIECE, left))):
            count += line.endswith(b"\n") or len(line) == left
            left -= len(line)
    return count


def _pieces(path: Path, start: int, stop: int, encoding: str) -> Iterator[str]:
    with _opened(path, encoding) as file:
        file.seek(start)
        at, rest = start, b""
        while at < stop:
            data = rest + file.read(min(PIECE, stop - at - len(rest)))
            if at + len(data) < stop:
                data += file.readline(min(LONGEST_LINE, stop - at - len(data)))
            if not data:
                return
            data, rest = _whole_characters(data) if at + len(data) < stop else (data, b"")
            try:
                text = data.decode("utf-8-sig" if at == 0 else "utf-8")
            except UnicodeDecodeError as error:
                line = _lines_before(path, at + error.start + 1, encoding)
                raise DataError(f"{path}:{line}: not text in UTF-8 (byte {at + error.start:,}); {OTHER}") from None
            at += len(data)
            yield text.replace("\r\n", "\n").replace("\r", "\n")


def _whole_characters(data: bytes) -> tuple[bytes, bytes]:
    """Return what is read of a line without an end, and the beginning of a character after it."""
    begun = next((i for i in range(1, min(4, len(data)) + 1) if data[-i] & 0xC0 != 0x80), 0)
    if data.endswith(b"\n") or not begun or data[-begun] < 0xC0:
        return data, b""
    return data[:-begun], data[-begun:]


@contextmanager
def _opened(path: Path, encoding: str) -> Iterator[IO[bytes]]:
    """Open a file as bytes of UTF-8, decompressed where it is compressed."""
    try:
        with open_utf8(path, encoding) as file:
            yield file
    except BROKEN as error:
        if not is_compressed(path):
            raise
        raise DataError(f"{path}: cannot be unpacked ({error}); pack it again, or give the text itself") from None
