"""Reads word vectors: those of the catalogue by name, text files here, other formats by `lingon.word_vectors.files`."""

import gzip
import re
import warnings
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import DataError, unknown
from lingon.core.progress import track
from lingon.word_vectors.files.mapped_bytes import GZIP, MOST_RATIO, is_number

HEADER = re.compile(r"(\d{1,12}) (\d{1,6})\s*")
LONGEST_LINE = 1 << 22  # bytes; a token and 65,536 numbers fit
LOOK = 4096  # lines between two looks at how far the file is read
BLOCK = 65_536  # vectors per array while reading: the size is not known before the end


def read_vectors(source: Path | str, only: set[str] | None = None) -> tuple[list[str], np.ndarray]:
    """Return the tokens and their vectors, float32 [V, D], in the order of the file.

    source: the name of vectors in the catalogue, or a file: text with a token and D numbers on each line, with the
    header of word2vec ("V D", also .vec of fastText) or without it (GloVe); binary word2vec; .bin of fastText; .npz;
    .safetensors of our own, or the run that it was made in; text and binary also as .gz. only: tokens to keep; of a
    text file the others take no memory. A token that comes twice keeps its first vector, and a warning says how many
    did.

    Raises DataError with file and line for text that is not UTF-8, a number that is none, another width than
    the lines before, and a file that ends too early.
    """
    path = Path(source)
    if not path.exists():
        if path.suffix or len(path.parts) > 1:
            raise DataError(f"{path}: no such file")
        return _chosen(*_of_catalogue(str(source)), only)
    from lingon.word_vectors.files import file_of, kind_of, load_vector_file

    path = file_of(path)
    if kind_of(path) == "text":
        return read_text_format(path, only)
    found = load_vector_file(path)
    return _chosen(list(found.words), found.table, only)


def _chosen(tokens: list[str], table: np.ndarray, only: set[str] | None) -> tuple[list[str], np.ndarray]:
    if only is None:
        return tokens, table
    kept = [i for i, token in enumerate(tokens) if token in only]
    return [tokens[i] for i in kept], table[kept]


def _of_catalogue(name: str) -> tuple[list[str], np.ndarray]:
    from lingon.data.corpora import load_vectors

    return load_vectors(name)


def read_text_format(
    path: Path, only: set[str] | None = None, on_bad_line: str = "stop"
) -> tuple[list[str], np.ndarray]:
    """Tokens and vectors of a text file. on_bad_line: stop with an error, or skip the line; a warning counts them.

    The first line is never skipped, because it gives the width.
    """
    if on_bad_line not in ("stop", "skip"):
        raise unknown("way with bad lines", on_bad_line, ("stop", "skip"))
    skipped: list[str] | None = [] if on_bad_line == "skip" else None
    lines = _lines(path, skipped)
    with closing(lines):
        number, first = next(lines, (0, ""))
        if not first:
            raise DataError(f"{path}: empty; expected a token and its numbers on each line")
        header = HEADER.fullmatch(first)
        promised, width = (int(header[1]), int(header[2])) if header else (None, _width(first))
        if width < 1:
            found = next((f"; found {mark!r}" for mark in "\t,;" if mark in first), "")
            raise DataError(
                f"{path}:{number}: no numbers after the token; expected spaces between token and numbers{found}"
            )
        rows = _rows(path, lines, width, None if header else (number, first), only, skipped)
        tokens, table, seen, twice = _gather(rows, width)
    if skipped:
        warnings.warn(f"{path}: {counted(len(skipped), 'bad line')} skipped, the first: {skipped[0]}", stacklevel=3)
    elif promised is not None and seen != promised:
        raise DataError(
            f"{path}: {counted(seen, 'vector')}, but its first line declares {promised:,}; is the file complete?"
        )
    if twice:
        warnings.warn(f"{path}: {twice:,} tokens occur twice; the first vector of each is kept", stacklevel=3)
    return tokens, table


def _width(first: str) -> int:
    """How many numbers follow the token of a line; the token may hold spaces, but not a number after one."""
    parts = first.split(" ")
    numbers = next((i for i, part in enumerate(reversed(parts[1:])) if not is_number(part)), len(parts) - 1)
    broken = not numbers or any(map(is_number, parts[1 : len(parts) - numbers]))
    return len(parts) - 1 if broken else numbers


def _is_gzip(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(2) == GZIP


def _lines(path: Path, skipped: list[str] | None) -> Generator[tuple[int, str], None, None]:
    """Numbered lines, decoded one by one so that an error knows its line."""
    number, read = 0, 0
    packed = _is_gzip(path)
    size = path.stat().st_size
    most = size * MOST_RATIO if packed else None
    try:
        with (
            open(path, "rb") as raw,
            track(size >> 20, f"reading {path.name}", "MB") as bar,
            gzip.GzipFile(fileobj=raw) if packed else nullcontext(raw) as file,
        ):
            while line := file.readline(LONGEST_LINE):
                number, read = number + 1, read + len(line)
                if number % LOOK == 0:
                    bar.advance((raw.tell() >> 20) - bar.done)
                if len(line) == LONGEST_LINE:
                    raise DataError(f"{path}:{number}: a line of over {LONGEST_LINE:,} bytes; is this a text file?")
                if most is not None and read > most:
                    raise DataError(f"{path}: grows more than {MOST_RATIO}-fold when unpacked; refused as a bomb")
                try:
                    text = line.decode().rstrip("\r\n ")
                except UnicodeDecodeError as error:
                    where = f"byte {error.start} of the line"
                    what = f"{path}:{number}: not UTF-8 text ({where}); save it as UTF-8, or skip bad lines"
                    if skipped is None or number == 1:
                        raise DataError(what) from None
                    skipped.append(what)
                    continue
                if text:
                    yield number, text.removeprefix("\ufeff") if number == 1 else text
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{path}:{number + 1}: cannot be read further ({error})") from None


def _rows(
    path: Path,
    lines: Iterator[tuple[int, str]],
    width: int,
    first: tuple[int, str] | None,
    only: set[str] | None,
    skipped: list[str] | None,
) -> Iterator[tuple[str, np.ndarray | None]]:
    """Token and vector of each line; the vector is None for tokens that nobody asked for."""
    if first:
        number, line = first
        yield _row(path, number, line, width, only)
    for number, line in lines:
        try:
            row = _row(path, number, line, width, only)
        except DataError as error:
            if skipped is None:
                raise
            skipped.append(str(error))
            continue
        yield row


def _row(path: Path, number: int, line: str, width: int, only: set[str] | None) -> tuple[str, np.ndarray | None]:
    # From the right, because some tokens of GloVe hold spaces.
    token, *numbers = line.rsplit(" ", width)
    if len(numbers) != width:
        raise DataError(f"{path}:{number}: {len(numbers)} numbers, expected {width}")
    if only is not None and token not in only:
        return token, None
    try:
        with np.errstate(over="ignore"):  # what is too large becomes infinite, which is told below
            vector = np.fromiter(map(float, numbers), np.float32, width)
    except ValueError as error:
        raise DataError(f"{path}:{number}: {error}; expected a token and {width} numbers") from None
    if not np.isfinite(vector).all():
        raise DataError(f"{path}:{number}: the vector of {token!r} holds NaN or infinite numbers")
    if " " in token and is_number(token.rsplit(" ", 1)[1]):
        raise DataError(f"{path}:{number}: more than {width} numbers")
    return token, vector


def _gather(rows: Iterator[tuple[str, np.ndarray | None]], width: int) -> tuple[list[str], np.ndarray, int, int]:
    tokens: dict[str, None] = {}
    blocks, block, seen, twice = [], [], 0, 0
    for token, vector in rows:
        seen += 1
        if vector is None:
            continue
        if token in tokens:
            twice += 1
            continue
        tokens[token] = None
        block.append(vector)
        if len(block) == BLOCK:
            blocks.append(np.stack(block))
            block = []
    blocks.append(np.stack(block) if block else np.empty((0, width), np.float32))
    return list(tokens), np.concatenate(blocks), seen, twice
