"""Lines of any amount of text, from corpora by name and from files, without ever holding all of it."""

import gzip
import lzma
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from lingon.core.errors import DataError, UserError, suggest
from lingon.data.corpora import CORPORA, TEXTS, load_text

PIECE = 1 << 16  # characters of a line at most; a longer one is cut at a space
READ = 1 << 20  # characters read in one go
OPENERS = {".gz": gzip.open, ".xz": lzma.open}


def lines_of(sources: Sequence[str]) -> Iterator[str]:
    """The lines of some sources, one after the other; empty ones are left out.

    A source is a corpus by name (lingon data list) or a file of plain UTF-8 text, maybe .gz or .xz, of any size.
    Raises UserError for a name that is neither, DataError with file and line for what is not UTF-8.
    """
    for source in checked(sources):
        found = _of_corpus(source) if is_corpus(source) else _of_file(Path(source))
        yield from (line for line in found if line and not line.isspace())


def checked(sources: Sequence[str]) -> Sequence[str]:
    """The sources, when each is there. Raises UserError that suggests the nearest names."""
    if not sources:
        raise UserError("no texts are given; name a corpus (lingon data list) or a file")
    for source in sources:
        if not is_corpus(source) and not Path(source).is_file():
            what = "a folder" if Path(source).is_dir() else "neither a corpus nor a file"
            raise UserError(f"{source!r} is {what}; {suggest(source, [*TEXTS, *CORPORA])}")
    return sources


def is_corpus(source: str) -> bool:
    return source in TEXTS or source in CORPORA


def _of_corpus(name: str) -> Iterator[str]:
    for document in load_text(name):
        for line in document.splitlines():
            yield from _pieces(line)


def _of_file(path: Path) -> Iterator[str]:
    number = 0
    try:
        with OPENERS.get(path.suffix, open)(path, "rt", encoding="utf-8-sig") as file:
            rest = ""
            while line := file.readline(READ):
                # A line without an end, such as a whole file of one line, is given out piece by piece.
                ended = line.endswith("\n")
                number += ended
                *whole, rest = [*_pieces(rest + line), ""] if ended else [*_pieces(rest + line)]
                yield from whole
            yield from _pieces(rest)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: after line {number:,} not UTF-8 text (byte {error.object[error.start]:#04x}); save it as UTF-8"
        ) from None
    except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{path}: cannot be read after line {number:,} ({error})") from None


def _pieces(line: str) -> Iterator[str]:
    """A line in pieces of PIECE characters at most, cut at spaces where there are any."""
    start = 0
    while len(line) - start > PIECE:
        end = line.rfind(" ", start + 1, start + PIECE)
        end = end if end > 0 else start + PIECE
        yield line[start:end]
        start = end
    yield line[start:] if start else line
