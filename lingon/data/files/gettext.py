"""Message catalogues of translated programs: .po (text) and .mo (compiled) of GNU gettext."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from lingon.core.counted import counted
from lingon.core.errors import DataError, unknown
from lingon.data.files.lines import FileOptions, read_decompressed, read_lines
from lingon.data.files.parallel_row import ParallelFile, ParallelRow
from lingon.data.files.table_rows import file_suffix
from lingon.data.languages import language_code
from lingon.data.parallel_texts import Languages

MAGIC = 0x950412DE
HEADER = 28  # bytes
MOST_MESSAGES = 10_000_000
MOST_GROWTH = 4  # maximum size of all texts / that of a compiled catalogue; texts may share bytes
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", '"': '"', "\\": "\\"}
LINE = re.compile(r'(msgctxt|msgid_plural|msgid|msgstr(?:\[(\d{1,2})\])?)?\s*"((?:[^"\\]|\\.)*)"\s*')
ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9a-fA-F]{2}|.)")


@dataclass
class Message:
    """A message: its location, its text, that of its plural, and the translations, several for a plural.

    The message with an empty text is the header of the catalogue.
    """

    where: str
    text: str = ""
    plural: str = ""
    translations: list[str] = field(default_factory=list)
    fuzzy: bool = False

    def rows(self) -> Iterator[ParallelRow]:
        """Yield its pairs: the singular, and the plural if there are two forms."""
        if self.text and self.translations and not self.fuzzy:
            yield ParallelRow(self.where, self.text, self.translations[0])
            if self.plural and len(self.translations) == 2:
                yield ParallelRow(self.where, self.plural, self.translations[1])


def open_catalogue(
    path: Path, languages: Languages = (None, None), options: FileOptions = FileOptions()
) -> ParallelFile:
    """Return a catalogue as a file of pairs, messages to translations; messages without a translation are skipped.

    The language of the targets is that of the header. Raises DataError with file and line, or message.
    """
    read = partial(read_mo, path) if file_suffix(path) == ".mo" else partial(read_po, path, options)
    header = next((message for message in read() if not message.text), None)
    named = re.search(r"(?m)^Language: *([\w@-]+)", header.translations[0]) if header and header.translations else None
    spoken = language_code(named[1]) if named else None
    if spoken and languages[1] and spoken != language_code(languages[1]):
        raise unknown("--target-lang", languages[1], [spoken])
    return ParallelFile(path, partial(_rows, read), None, (languages[0], languages[1] or spoken), [], True)


def _rows(read) -> Iterator[ParallelRow]:
    for message in read():
        yield from message.rows()


def read_mo(path: Path) -> Iterator[Message]:
    """Read the messages of a compiled catalogue (GNU gettext manual, "The Format of GNU MO Files")."""
    yield from parse_mo(read_decompressed(path), str(path))


def parse_mo(data: bytes, name: str) -> Iterator[Message]:
    """Read the messages of the bytes of a compiled catalogue. name: what errors call it."""
    order = next((order for order in "<>" if data[:4] == struct.pack(f"{order}I", MAGIC)), None)
    if order is None or len(data) < HEADER:
        raise DataError(f"{name}: not a compiled catalogue (.mo) of gettext")
    version, count, texts, translations = struct.unpack_from(f"{order}4I", data, 4)
    if version >> 16 > 1 or count > MOST_MESSAGES or max(texts, translations) + 8 * count > len(data):
        raise DataError(f"{name}: a broken catalogue: {counted(count, 'message')} in {len(data):,} bytes")
    charset, size = "utf-8", 0
    for number in range(count):
        where = f": message {number + 1}"
        sides = [_string(data, order, table + 8 * number, f"{name}{where}") for table in (texts, translations)]
        size += sum(map(len, sides))
        if size > MOST_GROWTH * len(data):
            raise DataError(f"{name}{where}: the texts have more than {MOST_GROWTH} times the size of the file")
        try:
            text, translation = (side.decode(charset) for side in sides)
        except UnicodeError:
            raise DataError(f"{name}{where}: not {charset}") from None
        if not text and (found := re.search(r"charset=([\w.-]+)", translation)):
            charset = _known(found[1])
        text, _, plural = text.rpartition("\x04")[2].partition("\0")  # the context is before \x04
        yield Message(where, text, plural, translation.split("\0"))


def _string(data: bytes, order: str, at: int, name: str) -> bytes:
    length, start = struct.unpack_from(f"{order}2I", data, at)
    if start + length > len(data):
        raise DataError(f"{name}: ends behind the end of the file")
    return data[start : start + length]


def _known(charset: str) -> str:
    """Return an encoding known to Python; UTF-8 for an unknown name, such as the placeholder CHARSET."""
    try:
        "".encode(charset)
    except (LookupError, UnicodeError):  # the latter by the encoding called "undefined"
        return "utf-8"
    return charset


def read_po(path: Path, options: FileOptions = FileOptions()) -> Iterator[Message]:
    """Yield the messages of a .po catalogue. Raises DataError with path and line for an invalid one."""
    message, part, fuzzy = Message(""), "", False
    for number, line, problem in read_lines(path, options.encoding):
        line = line.strip()
        if not line or line.startswith("#"):
            fuzzy = fuzzy or bool(re.match(r"#,.*\bfuzzy\b", line))
            continue
        found = LINE.fullmatch(line)
        if problem or not found or not (found[1] or part):
            raise DataError(
                f"{path}:{number}: {problem or f'{line[:50]!r}; expected msgid or msgstr and a quoted text'}"
            )
        keyword, index, text = found[1] or "", found[2], ESCAPE.sub(_unescaped, found[3])
        if keyword in ("msgctxt", "msgid") and (message.translations or not message.where):
            if message.where:
                yield message
            message, fuzzy = Message(f":{number}", fuzzy=fuzzy), False
        part = keyword.split("[")[0] or part
        if keyword.startswith("msgstr"):
            if index is not None and int(index) != len(message.translations):
                raise DataError(
                    f"{path}:{number}: {keyword} comes after {counted(len(message.translations), 'translation')}"
                )
            message.translations.append("")
        if part == "msgid":
            message.text += text
        elif part == "msgid_plural":
            message.plural += text
        elif part == "msgstr":
            message.translations[-1] += text
    if message.where:
        yield message


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] == "x" and len(code) == 3:
        return chr(int(code[1:], 16))
    return chr(int(code, 8)) if code.isdigit() else ESCAPES.get(code, code)
