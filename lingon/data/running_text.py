"""One door to running text: a corpus by name, a file or a folder of the user's own; part by part, piece by piece."""

import hashlib
import lzma
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from lingon.core.errors import DataError, UserError, suggest, unknown
from lingon.data.corpora import CORPORA, TEXTS, load_text
from lingon.data.corpora.load import PARTS
from lingon.data.split import share_of
from lingon.data.text_stream import OPENERS, lines_in, short_lines

PIECE = 1 << 20  # characters of a file that are in memory at a time, or a line more
VALID, TEST = 0.05, 0.05  # of a file of the user's: its end
ENOUGH = 40  # lines of about the same length, so that each part has one
GROUPS = {"english": ("sotu", "brown", "austen", "kjv", "wiki", "imdb"), "imdb-text": ("imdb",)}  # names for several


def documents_of(sources: Sequence[str], part: str, accept_licence: bool = False) -> Iterator[str]:
    """The documents of a part ("train", "valid", "test" or "all") of several texts, one by one.

    sources: names of corpora (`lingon data list`), "english" for all of them in English, files of plain text, maybe
    packed (.gz, .xz), or folders of .txt files. Of a file, the last twentieth is for the test and the one before it
    for validation; it is read in pieces of about a megabyte. A packed file is divided as if it were not packed: it is
    read once to count its bytes and once to find the cuts, and never unpacked to disk. The files of a folder are
    divided as the documents of a corpus are: by the hash of each.
    Raises UserError for what is neither, DataError that names the place where a file is not text in UTF-8, or says
    that a packed one is broken.
    """
    if part not in (*PARTS, "all"):
        raise unknown("part", part, (*PARTS, "all"))
    for source in single(sources):
        if source in TEXTS or source in CORPORA:
            yield from load_text(source, part, accept_licence)
        elif (path := Path(source)).is_dir():
            yield from _of_folder(path, part)
        elif path.is_file():
            yield from _of_file(path, part)
        else:
            known = [*GROUPS, *TEXTS, *CORPORA]
            raise UserError(f"{source!r} is neither a text corpus nor a file; {suggest(source, known)}")


def single(sources: Sequence[str]) -> list[str]:
    """The sources with the members of each group in its place.

    >>> single(["english", "ptb"])
    ['sotu', 'brown', 'austen', 'kjv', 'wiki', 'imdb', 'ptb']
    """
    return [name for source in sources for name in GROUPS.get(source, (source,))]


def lines_of(sources: Sequence[str], part: str = "all", accept_licence: bool = False) -> Iterator[str]:
    """The lines of several texts, one after the other, without the empty ones; a line of over 65,536 characters is cut.

    sources: as for `documents_of`. part: of corpora and folders; "all" is everything.
    A file is read whole, whatever the part. Raises as `documents_of`.
    """
    if not sources:
        raise UserError("no texts are given; name a corpus (lingon data list) or a file")
    for source in single(sources):
        if Path(source).is_file() and source not in {**TEXTS, **CORPORA}:
            found = lines_in(Path(source))
        else:
            documents = documents_of([source], part, accept_licence)
            found = (piece for text in documents for line in text.splitlines() for piece in short_lines(line))
        yield from (line for line in found if line and not line.isspace())


def is_corpus(source: str) -> bool:
    """Whether this is the name of a corpus, or of several, and no file or folder of the user's."""
    return source in {**TEXTS, **CORPORA, **GROUPS}


def identity(sources: Sequence[str]) -> list[Any]:
    """What tells these texts from others, without reading them: sha256 of packages, sizes and times of files."""
    known = {**CORPORA, **TEXTS}
    found: list[Any] = []
    for source in single(sources):
        if source in known:
            found.append([source, known[source].package.sha256])
        else:
            paths = sorted(Path(source).rglob("*.txt")) if Path(source).is_dir() else [Path(source)]
            stats = [(str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns) for p in paths if p.is_file()]
            found.append([source, hashlib.sha256(repr(stats).encode()).hexdigest()])
    return found


def _of_folder(folder: Path, part: str) -> Iterator[str]:
    paths = sorted(folder.rglob("*.txt"))
    if not paths:
        raise UserError(f"{folder} holds no .txt file")
    for path in paths:
        text = "".join(_pieces(path, 0, path.stat().st_size))
        share = share_of(text)
        own = "test" if share < TEST else "valid" if share < TEST + VALID else "train"
        if text.strip() and part in (own, "all"):
            yield text


def _of_file(path: Path, part: str) -> Iterator[str]:
    found = path.stat()
    cuts = _cuts(path, found.st_size, found.st_mtime_ns)
    if part == "all":
        yield from _pieces(path, 0, cuts[-1])
        return
    which = PARTS.index(part)
    if cuts[which] == cuts[which + 1]:
        lines = _lines_before(path, cuts[-1])
        raise DataError(
            f"{path}: {lines:,} lines are too few to cut the last twentieth off for the test and the one before it for "
            f"validation; expected {ENOUGH} lines or more (lingon evaluate takes the whole file with --split all)"
        )
    yield from _pieces(path, cuts[which], cuts[which + 1])


@lru_cache(maxsize=256)
def _cuts(path: Path, size: int, changed: int) -> list[int]:
    """Where the parts begin, and the end, in unpacked bytes. size and changed tell a file from what it was before."""
    with _opened(path) as file:
        end = sum(map(len, iter(lambda: file.read(PIECE), b""))) if path.suffix in OPENERS else size
    with _opened(path) as file:
        return [0, *(_line_start(file, int(end * share)) for share in (1 - TEST - VALID, 1 - TEST)), end]


def _line_start(file: BinaryIO, at: int) -> int:
    """The start of the first line after a place."""
    if file.tell() <= at:  # or the line with the cut before it ends beyond it
        file.seek(at)
        file.readline()
    return file.tell()


def _lines_before(path: Path, stop: int) -> int:
    """How many lines begin before a place."""
    with _opened(path) as file:
        count, left = 0, stop
        while left > 0 and (line := file.readline(min(PIECE, left))):
            count += line.endswith(b"\n") or len(line) == left
            left -= len(line)
    return count


def _pieces(path: Path, start: int, stop: int) -> Iterator[str]:
    with _opened(path) as file:
        file.seek(start)
        while file.tell() < stop:
            at = file.tell()
            data = file.read(min(PIECE, stop - at))
            if file.tell() < stop:
                data += file.readline()
            try:
                text = data.decode("utf-8-sig" if at == 0 else "utf-8")
            except UnicodeDecodeError as error:
                line = _lines_before(path, at + error.start + 1)
                raise DataError(f"{path}:{line}: not text in UTF-8 (byte {at + error.start:,})") from None
            yield text.replace("\r\n", "\n")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked where it is packed."""
    try:
        with OPENERS.get(path.suffix, open)(path, "rb") as file:
            yield file
    except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        if path.suffix not in OPENERS:
            raise
        raise DataError(f"{path}: cannot be unpacked ({error}); pack it again, or give the text itself") from None
