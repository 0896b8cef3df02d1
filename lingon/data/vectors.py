"""Reads word vectors: word2vec and GloVe text files, and the vectors of the catalogue."""

import gzip
import re
import warnings
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from lingon.core.errors import DataError

HEADER = re.compile(r"(\d{1,12}) (\d{1,6})\s*")
BLOCK = 65_536  # vectors per array while reading: the size is not known before the end


def read_vectors(source: Path | str, only: set[str] | None = None) -> tuple[list[str], np.ndarray]:
    """Tokens and their vectors, float32 [V, D], in the order of the file.

    source: a text file with a token and D numbers on each line, plain or .gz, with the header of word2vec
    ("V D") or without it (GloVe), or the name of vectors in the catalogue. only: tokens to keep; the others
    take no memory. A token that comes twice keeps its first vector, and a warning says how many did.

    Raises DataError with file and line for text that is not UTF-8, a number that is none, another width than
    the lines before, and a file that ends too early.
    """
    path = Path(source)
    if not path.exists():
        if path.suffix or len(path.parts) > 1:
            raise DataError(f"{path}: no such file")
        tokens, table = _of_catalogue(str(source))
        if only is None:
            return tokens, table
        kept = [i for i, token in enumerate(tokens) if token in only]
        return [tokens[i] for i in kept], table[kept]
    if path.is_dir():
        raise DataError(f"{path}: a folder, not a file of word vectors")
    return _read(path, only)


def _of_catalogue(name: str) -> tuple[list[str], np.ndarray]:
    from lingon.data.corpora import load_vectors

    return load_vectors(name)


def _read(path: Path, only: set[str] | None) -> tuple[list[str], np.ndarray]:
    lines = _lines(path)
    with closing(lines):
        number, first = next(lines, (0, ""))
        if not first:
            raise DataError(f"{path}: empty; expected a token and its numbers on each line")
        header = HEADER.fullmatch(first)
        promised, width = (int(header[1]), int(header[2])) if header else (None, len(first.split(" ")) - 1)
        if width < 1:
            raise DataError(f"{path}:{number}: no numbers after the token; is this a file of word vectors?")
        rows = _rows(path, lines, width, None if header else (number, first), only)
        tokens, table, seen, twice = _gather(rows, width)
    if promised is not None and seen != promised:
        raise DataError(f"{path}: {seen:,} vectors, but its first line promises {promised:,}; is the file whole?")
    if twice:
        warnings.warn(f"{path}: {twice:,} tokens came twice; their first vectors are kept", stacklevel=3)
    return tokens, table


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines, decoded one by one so that an error knows its line."""
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if text := line.decode().rstrip("\r\n "):
                    yield number, text.removeprefix("\ufeff") if number == 1 else text
    except UnicodeDecodeError as error:
        raise DataError(f"{path}:{number}: not UTF-8 text (byte {error.start} of the line)") from None
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{path}:{number + 1}: cannot be read further ({error})") from None


def _rows(path, lines, width, first, only) -> Iterator[tuple[str, np.ndarray | None]]:
    """Token and vector of each line; the vector is None for tokens that nobody asked for."""
    if first:
        yield _row(path, *first, width, only)
    for number, line in lines:
        yield _row(path, number, line, width, only)


def _row(path: Path, number: int, line: str, width: int, only: set[str] | None) -> tuple[str, np.ndarray | None]:
    # From the right, because some tokens of GloVe hold spaces.
    token, *numbers = line.rsplit(" ", width)
    if len(numbers) != width:
        raise DataError(f"{path}:{number}: {len(numbers)} numbers, expected {width}")
    if only is not None and token not in only:
        return token, None
    try:
        vector = np.fromiter(map(float, numbers), np.float32, width)
    except ValueError as error:
        raise DataError(f"{path}:{number}: {error}; expected a token and {width} numbers") from None
    if not np.isfinite(vector).all():
        raise DataError(f"{path}:{number}: the vector of {token!r} holds NaN or infinite numbers")
    if " " in token and _is_number(token.rsplit(" ", 1)[1]):
        raise DataError(f"{path}:{number}: more than {width} numbers")
    return token, vector


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


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
