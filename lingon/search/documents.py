"""The documents of a folder or a file: texts, Markdown, HTML, and the rows of tables, cut into passages."""

import os
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from lingon.core.errors import DataError, UserError, suggest
from lingon.data.files.labelled_texts import peek, text_problem
from lingon.data.files.lines import FileOptions, read_text
from lingon.data.files.row import TableRow, cell_text
from lingon.data.files.table_rows import TABLES, file_suffix, is_table, read_rows
from lingon.data.files.text_columns import choose_text_column
from lingon.search.html_text import html_text
from lingon.search.passages import OVERLAP, TOKENS, check_sizes, cut

MARKDOWN, HTML, PLAIN = (".md", ".markdown"), (".html", ".htm", ".xhtml"), (".txt", ".rst")
READ = (*PLAIN, *MARKDOWN, *HTML, *TABLES)
FENCE, HEADING = re.compile(r" {0,3}(```|~~~)"), re.compile(r" {0,3}#{1,6}\s+(\S.*?)\s*#*\s*$")
LONGEST_FIELD = 1000  # maximum characters of a field; longer values are not useful as filters and are left out


@dataclass(frozen=True)
class ReadSettings:
    """Settings for reading documents and cutting them into passages.

    passage_tokens, passage_overlap: see `passages.cut`. text: the text column of tables, None to guess. skip: leave
    out files and rows that cannot be read, and report them. options: encoding and quoting.
    """

    passage_tokens: int = TOKENS
    passage_overlap: int = OVERLAP
    text: str | None = None
    skip: bool = False
    options: FileOptions = field(default_factory=FileOptions)

    def __post_init__(self):
        check_sizes(self.passage_tokens, self.passage_overlap)

    @classmethod
    def of_identity(cls, kept: Any, name: str) -> "ReadSettings":
        """Return the settings from what `identity` returned. Raises DataError, naming the index, for anything else."""
        try:
            options = FileOptions(kept["encoding"], kept["quoting"])
            return cls(kept["passage_tokens"], kept["passage_overlap"], kept["text"], options=options)
        except (KeyError, TypeError, AttributeError, UserError) as error:
            raise DataError(f"{name}: its settings are invalid ({error}); index again with --overwrite") from None

    def identity(self) -> dict[str, Any]:
        """Return the settings that determine the passages of a file, as a JSON object."""
        sizes = {"passage_tokens": self.passage_tokens, "passage_overlap": self.passage_overlap, "text": self.text}
        return {**sizes, "encoding": self.options.encoding, "quoting": self.options.quoting}


class Passage(NamedTuple):
    """A passage of a document. where: its line or row in the file, as `:12`. fields: the other columns of its row."""

    where: str
    title: str
    text: str
    fields: dict[str, str]

    def full_text(self) -> str:
        """Return the text that is searched: the title, if there is one, and the text."""
        return f"{self.title}\n{self.text}" if self.title else self.text


def files_of(source: Path, leave_out: Path) -> tuple[list[Path], Counter]:
    """Return the files of a folder that can be read, in a fixed order, and the number of other files by suffix.

    Hidden files and folders are left out, and so is the folder `leave_out`, the index itself; links to folders are not
    followed. For a single file, only itself is returned. Raises UserError if there is none.
    """
    if source.is_file():
        if file_suffix(source) not in READ:
            raise UserError(f"{source} ends in {file_suffix(source)!r}; {suggest(file_suffix(source), READ)}")
        return [source], Counter()
    if not source.is_dir():
        beside = [p.name for p in source.parent.iterdir()] if source.parent.is_dir() else []
        raise UserError(f"there is no file or folder {str(source)!r}; {suggest(source.name, beside)}")
    found, others = [], Counter[str]()
    for place, folders, names in os.walk(source):
        folders[:] = sorted(f for f in folders if f[0] != "." and not _same(Path(place, f), leave_out))
        for path in (Path(place, name) for name in sorted(names) if name[0] != "."):
            if file_suffix(path) in READ and path.is_file():
                found.append(path)
            else:
                others[file_suffix(path) or "without a suffix"] += 1
    if not found:
        raise UserError(f"{source} contains no file with one of {', '.join(READ)} (each also .gz or .xz)")
    return found, others


def _same(first: Path, second: Path) -> bool:
    return second.exists() and first.samefile(second)


def passages_of(path: Path, settings: ReadSettings, skipped: list[str]) -> Iterator[Passage]:
    """Yield the passages of a file. skipped: a list, to which a line is added for each row left out.

    Raises DataError with file and line for a row that cannot be read, unless `settings.skip`.
    """
    if path.stat().st_size == 0:
        return
    if is_table(path, settings.options):
        yield from _table(path, settings, skipped)
        return
    text = read_text(path, settings.options.encoding).replace("\r\n", "\n").replace("\r", "\n")
    if file_suffix(path) in HTML:
        title, text = html_text(text)
        yield from _cut(title, text, settings)
    elif file_suffix(path) in MARKDOWN:
        yield from _markdown(text, settings)
    else:
        yield from _cut("", text, settings, lines=True)


def _cut(
    title: str, text: str, settings: ReadSettings, fields: dict[str, str] | None = None, where: str = "", lines=False
) -> Iterator[Passage]:
    """Yield the passages of a text. lines: `where` of each is its line in the text; otherwise the given `where`."""
    line, at = 1, 0
    for span in cut(text, settings.passage_tokens, settings.passage_overlap):
        line, at = line + text.count("\n", at, span.start) - text.count("\n", span.start, at), span.start
        yield Passage(f":{line}" if lines else where, title, text[span.start : span.end], fields or {})


class _Section(NamedTuple):
    """A section of a Markdown page: its heading, the number of its first line, and its lines."""

    heading: str
    first: int
    lines: list[str]


def _markdown(text: str, settings: ReadSettings) -> Iterator[Passage]:
    """Yield the passages of each section; their title consists of the headings of the page and the section."""
    sections, fenced = [_Section("", 1, [])], False
    for number, line in enumerate(text.split("\n"), 1):
        fenced ^= bool(FENCE.match(line))
        if not fenced and (found := HEADING.match(line)):
            sections.append(_Section(found[1], number + 1, []))
        else:
            sections[-1].lines.append(line)
    page = next((section.heading for section in sections if section.heading), "")
    filled = any("".join(section.lines).strip() for section in sections)
    for section in sections:
        title = section.heading if section.heading in ("", page) else f"{page} > {section.heading}"
        body = "\n".join(section.lines)
        if body.strip():
            for passage in _cut(title, body, settings, lines=True):
                yield passage._replace(where=f":{section.first + int(passage.where[1:]) - 1}")
        elif section.heading and (section.heading != page or not filled):
            yield Passage(f":{section.first - 1}", title, section.heading, {})


def _table(path: Path, settings: ReadSettings, skipped: list[str]) -> Iterator[Passage]:
    names, first = peek(path, settings.options)
    rows = [row.values for row in first if not row.problem]
    column, _ = choose_text_column(path, names, rows, settings.text)
    title = next((name for name in names if name.lower() == "title" and name != column), None)
    for row in read_rows(path, None, settings.options):
        if problem := text_problem(row, column):
            if not settings.skip:
                raise DataError(f"{path}{row.where}: {problem}")
            skipped.append(f"{path}{row.where}: {problem}")
            continue
        named = " ".join((cell_text(row.values.get(title)) or "").split()) if title else ""
        text = cell_text(row.values[column]) or ""
        yield from _cut(named, text, settings, _fields(row, (column, title)), row.where)


def _fields(row: TableRow, others: Collection[str | None]) -> dict[str, str]:
    """Return the columns, except `others`, whose value is not too long for a field."""
    found = {name: cell_text(value) for name, value in row.values.items() if name not in others}
    return {str(name): value for name, value in found.items() if value is not None and len(value) <= LONGEST_FIELD}
