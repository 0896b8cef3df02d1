"""One door to running text: a corpus by name, a file or a folder of the user's own; part by part, piece by piece."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lingon.core.errors import DataError, UserError, suggest, unknown
from lingon.data.corpora import CORPORA, TEXTS, load_text
from lingon.data.corpora.load import PARTS
from lingon.data.split import share_of
from lingon.data.text_stream import lines_in, short_lines

PIECE = 1 << 20  # characters of a file that are in memory at a time, or a line more
VALID, TEST = 0.05, 0.05  # of a file of the user's: its end
GROUPS = {"english": ("sotu", "brown", "austen", "kjv", "wiki", "imdb"), "imdb-text": ("imdb",)}  # names for several


def documents_of(sources: Sequence[str], part: str, accept_licence: bool = False) -> Iterator[str]:
    """The documents of a part ("train", "valid", "test" or "all") of several texts, one by one.

    sources: names of corpora (`lingon data list`), "english" for all of them in English, files of plain text, or
    folders of .txt files. Of a file, the last twentieth is for the test and the one before it for validation; it is
    read in pieces of about a megabyte. The files of a folder are divided as the documents of a corpus are: by the
    hash of each.
    Raises UserError for what is neither, DataError that names the place where a file is not text in UTF-8.
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

    sources: as for `documents_of`, and packed files (.gz, .xz). part: of corpora and folders; "all" is everything.
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
    size = path.stat().st_size
    if part == "all":
        yield from _pieces(path, 0, size)
        return
    cuts = [0, *(_line_start(path, int(size * share)) for share in (1 - TEST - VALID, 1 - TEST)), size]
    which = PARTS.index(part)
    if cuts[which] == cuts[which + 1]:
        raise DataError(f"{path}: {size:,} bytes are too few lines to cut parts for validation and test off")
    yield from _pieces(path, cuts[which], cuts[which + 1])


def _line_start(path: Path, at: int) -> int:
    """The start of the first line after a place."""
    with open(path, "rb") as file:
        file.seek(at)
        file.readline()
        return file.tell()


def _pieces(path: Path, start: int, stop: int) -> Iterator[str]:
    with open(path, "rb") as file:
        file.seek(start)
        while file.tell() < stop:
            at = file.tell()
            data = file.read(min(PIECE, stop - at))
            if file.tell() < stop:
                data += file.readline()
            try:
                text = data.decode("utf-8-sig" if at == 0 else "utf-8")
            except UnicodeDecodeError as error:
                lines = path.read_bytes()[: at + error.start].count(b"\n") + 1
                raise DataError(f"{path}:{lines}: not text in UTF-8 (byte {at + error.start:,})") from None
            yield text.replace("\r\n", "\n")
