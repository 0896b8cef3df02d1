"""Translation memories (TMX 1.4): units with a segment in each of several languages, as translators' tools write them.

The XML is read by expat piece by piece; entity declarations are refused, so that none can expand or fetch anything.
"""

from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple
from xml.parsers import expat

from lingon.core.errors import DataError, UserError, one_of, suggest
from lingon.data.files.lines import BROKEN, open_utf8
from lingon.data.files.parallel_row import ParallelFile, ParallelRow
from lingon.data.languages import language_code
from lingon.data.parallel_texts import Languages

PIECE = 1 << 16
LOOK = 1_000  # units that are examined to find the languages
MOST_UNIT = 1 << 22  # characters of a unit
NATIVE = {"bpt", "ept", "ph", "it", "ut"}  # codes of the formatting of the original document, which are not text
NAMESPACE = "http://www.w3.org/XML/1998/namespace"


class Unit(NamedTuple):
    """A unit: the line it starts in, and its segments in order, by language as named in the file."""

    line: int
    segments: dict[str, str]


def open_tmx(path: Path, languages: Languages = (None, None)) -> ParallelFile:
    """Open a translation memory. languages: of source and target; needed if it has more than two.

    Raises DataError with the line for invalid XML or declared entities; UserError for a language it does not have.
    """
    first = list(islice(read_units(path), LOOK))
    if not first:
        raise DataError(f"{path}: no unit (<tu>) in it; expected a translation memory (TMX)")
    found = list(dict.fromkeys(_code(name) for unit in first for name in unit.segments))
    source, target = _choose(path, found, languages)
    said = [] if all(languages) else [f"{path.name}: source is {source!r}, target {target!r}"]
    chosen = (language_code(source) or source, language_code(target) or target)
    return ParallelFile(path, partial(_rows, path, source, target), None, chosen, said)


def _rows(path: Path, source: str, target: str) -> Iterator[ParallelRow]:
    for unit in read_units(path):
        by_language: dict[str, str] = {}
        for name, text in unit.segments.items():
            by_language.setdefault(_code(name), text)
        if source in by_language and target in by_language:
            yield ParallelRow(f":{unit.line}", by_language[source], by_language[target])


def _code(name: str) -> str:
    return language_code(name) or name.lower()


def _choose(path: Path, found: list[str], languages: Languages) -> tuple[str, str]:
    """Choose source and target from the languages of a file."""
    for asked, flag in zip(languages, ("--source-lang", "--target-lang"), strict=True):
        if asked is not None and _code(asked) not in found:
            raise UserError(f"{flag} {asked}: {path} has no such language; {suggest(_code(asked), found)}")
    source, target = (asked and _code(asked) for asked in languages)
    others = [name for name in found if name not in (source, target)]
    open_sides = sum(side is None for side in (source, target))
    if open_sides and len(others) != open_sides:
        raise UserError(
            f"{path} has the languages {one_of(found)}; name those of the pairs with --source-lang and --target-lang"
        )
    return source or others.pop(0), target or others.pop(0)


def read_units(path: Path) -> Iterator[Unit]:
    """Read the units of a translation memory one by one. Raises DataError with path and line."""
    with open_utf8(path) as file:
        reader = _Reader(path)
        yield from reader.read(file)


class _Reader:
    """Callbacks of expat, and the units that are complete so far."""

    def __init__(self, path: Path):
        self.path = path
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler, self.parser.EndElementHandler = self.start, self.end
        self.parser.CharacterDataHandler, self.parser.EntityDeclHandler = self.text, self.entity
        self.parser.buffer_text = True
        self.done: list[Unit] = []
        self.unit: Unit | None = None
        self.language = ""
        self.segment: list[str] | None = None
        self.native = self.size = 0

    def read(self, file: IO[bytes]) -> Iterator[Unit]:
        """Yield the units of a file."""
        while True:
            try:
                piece = file.read(PIECE)
                self.parser.Parse(piece, not piece)
            except expat.ExpatError as error:
                raise DataError(f"{self.path}:{error.lineno}: not XML ({expat.ErrorString(error.code)})") from None
            except BROKEN as error:
                raise DataError(f"{self.here()}: truncated or damaged ({error})") from None
            yield from self.done
            self.done.clear()
            if not piece:
                return

    def here(self) -> str:
        return f"{self.path}:{self.parser.CurrentLineNumber}"

    def entity(self, name: str, *_: Any) -> None:
        raise DataError(
            f"{self.here()}: declares the entity {name[:40]!r}; entities can grow without end, so none are read"
        )

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rsplit(" ", 1)[-1].lower()
        if name == "tu":
            self.unit, self.size = Unit(self.parser.CurrentLineNumber, {}), 0
        elif name == "tuv":
            self.language = attributes.get(f"{NAMESPACE} lang") or attributes.get("lang") or ""
        elif name == "seg":
            self.segment = []
        elif name in NATIVE and self.segment is not None:
            self.native += 1

    def text(self, data: str) -> None:
        if self.segment is None or self.native:
            return
        self.size += len(data)
        if self.size > MOST_UNIT:
            raise DataError(f"{self.here()}: a unit of more than {MOST_UNIT:,} characters")
        self.segment.append(data)

    def end(self, name: str) -> None:
        name = name.rsplit(" ", 1)[-1].lower()
        if name == "seg" and self.segment is not None:
            if self.unit is not None:
                self.unit.segments.setdefault(self.language, " ".join("".join(self.segment).split()))
            self.segment, self.native = None, 0
        elif name in NATIVE and self.native:
            self.native -= 1
        elif name == "tu" and self.unit is not None:
            self.done.append(self.unit)
            self.unit = None
