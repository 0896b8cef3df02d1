"""Bibles by verse, from packages of pythonbible and modules of SWORD; Genesis 1:1 has the number 1001001."""

import re
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

from lingon.core.errors import DataError
from lingon.data.files.archives import read_members

NEW_TESTAMENT = 40_000_000  # its verses have larger numbers
MOST_BLOCK = 1 << 24  # maximum bytes of a book, unpacked
NOT_TEXT = re.compile(r"<(note|title)\b.*?</\1>|<[^>]*>", re.DOTALL)  # of OSIS


def pythonbible_verses(path: Path, package: str) -> dict[int, str]:
    """Return the verses of a pythonbible wheel in order, without their numbers.

    Brackets around words supplied by the translators are removed, and so are headings of psalms at the end of the
    previous verse.
    """
    (_, data), *_ = read_members(path, rf"{package}/plain_text_bible\.py")
    _, text, rest = data.decode("utf-8").split('"""', 2)
    places = [(int(verse), int(place)) for verse, place in re.findall(r"(\d{7,8}): (\d+)", rest)]
    starts, ends = dict(places[: len(places) // 2]), dict(places[len(places) // 2 :])
    if not starts or starts.keys() != ends.keys():
        raise DataError(f"{path}: the starts and ends of the verses do not match")
    return {v: re.sub(r"^\s*\d+\.\s+|[\[\]]|\s{4}Psalm \d+.*$", "", text[starts[v] : ends[v]]) for v in sorted(starts)}


def sword_verses(path: Path, module: str, verses: Iterable[int]) -> dict[int, str]:
    """Return the verses of a SWORD module (zText) in a Debian package, without its markup (OSIS).

    verses: of the module's versification, here that of the King James Bible. Each testament has blocks of books,
    compressed by zlib, and an index with an entry for a heading before the verses of each book and chapter.
    """
    inside = rf"usr/share/sword/modules/texts/ztext/{module}/[on]t\.bz[svz]"
    files = {name.rsplit("/", 1)[-1]: data for name, data in read_members(path, inside)}
    found = {}
    for testament in ("ot", "nt"):
        mine = [verse for verse in sorted(verses) if (verse > NEW_TESTAMENT) == (testament == "nt")]
        try:
            blocks, places = _blocks(files, testament), list(struct.iter_unpack("<IIH", files[f"{testament}.bzv"]))
            for verse, place in _numbered(mine):
                block, start, length = places[place]
                found[verse] = NOT_TEXT.sub("", blocks[block][start : start + length].decode()) if length else ""
        except (KeyError, IndexError, struct.error, zlib.error, UnicodeDecodeError) as error:
            raise DataError(f"{path}: not a module of SWORD with the verses that are expected ({error!r})") from None
    return found


def _blocks(files: dict[str, bytes], testament: str) -> list[bytes]:
    packed = files[f"{testament}.bzz"]
    places = struct.iter_unpack("<III", files[f"{testament}.bzs"])
    return [zlib.decompressobj().decompress(packed[start : start + size], MOST_BLOCK) for start, size, _ in places]


def _numbered(verses: list[int]) -> Iterable[tuple[int, int]]:
    """Yield each verse with its position in the index, where headings come first (2), and for each book and chapter."""
    place, last = 2, 0
    for verse in verses:
        place += (verse // 1_000_000 != last // 1_000_000) + (verse // 1000 != last // 1000)
        yield verse, place
        place, last = place + 1, verse
