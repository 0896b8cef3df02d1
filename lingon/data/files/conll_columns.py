"""Files of columns as in the CoNLL shared tasks: one word per line, empty lines between sentences."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError, one_of
from lingon.data.files.lines import FileOptions, TextLine, read_lines
from lingon.data.files.tagged_row import TaggedRow

LOOK = 200  # lines from which the separator of columns is detected
DOCUMENT = "-DOCSTART-"  # starts a document in the files of CoNLL-2003
WORD_NAMES = ("word", "words", "token", "tokens", "form")  # of the first column, in a header
TAG_NAMES = ("tag", "tags", "label", "labels", "ner", "pos", "upos", "slot", "ner_tag", "ner_tags")  # of the last
LABEL = re.compile(r"#\s*(?:intent|label)\s*[:=]\s*(\S.*?)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """The layout of lines: separated by tabs or by spaces, with `width` columns (0 if there is no line of words).

    names: of the columns, if the first line is a header.
    """

    tabs: bool
    width: int
    names: tuple[str, ...] = ()

    def cells(self, line: str) -> list[str]:
        """Return the columns of a line, without surrounding spaces."""
        return [cell.strip() for cell in line.rstrip("\r\n").split("\t")] if self.tabs else line.split()

    def is_comment(self, line: str) -> bool:
        """Return whether a line above the words of a sentence is a comment, rather than a word that starts with #."""
        if not line.startswith("#"):
            return False
        return len(self.cells(line)) != self.width or ("=" in line and line.startswith("# "))


def layout_of(lines: Iterable[TextLine]) -> Layout:
    """Return the layout, detected from the first lines that are neither empty nor comments."""
    first = [line.text for line in islice(lines, LOOK) if line.text.strip()]
    words = [line for line in first if not line.startswith(("#", DOCUMENT))] or first
    tabs = bool(words) and "\t" in words[0].strip()
    cells = tuple(Layout(tabs, 0).cells(words[0])) if words else ()
    named = bool(cells) and cells[0].lower() in WORD_NAMES and cells[-1].lower() in TAG_NAMES
    return Layout(tabs, len(cells), cells if named else ())


def column_number(path: Path, column: str | None, layout: Layout) -> int:
    """Return the index, from 0, of the column given by --column: 2 is the second, -1 (the default) the last.

    A name is accepted if the first line is a header.
    Raises UserError for anything that is not a number, DataError for a column that the file does not have.
    """
    width = layout.width
    if width < 2:
        raise DataError(
            f"{path}: its lines have {counted(width, 'column')}; expected a word and its tag, with a tab or blanks "
            "between"
        )
    if column is None:
        return width - 1
    if column in layout.names[1:]:
        return layout.names.index(column)
    if not re.fullmatch(r"-?\d{1,4}", column):
        named = f"the columns {one_of(layout.names)}" if layout.names else f"{counted(width, 'column')} without names"
        raise UserError(f"--column {column[:40]!r}: {path} has {named}; give a number, 2 to {width}")
    number = int(column)
    place = number - 1 if number > 0 else width + number
    if not 1 <= place < width:
        raise UserError(
            f"--column {number}: {path} has {counted(width, 'column')}, the first of which are words; give 2 to {width}"
        )
    return place


def conll_rows(path: Path, options: FileOptions, column: str | None = None) -> Iterator[TaggedRow]:
    """Yield the sentences of a file of columns: the first column has the words, the last or `column` the tags.

    Lines that start with -DOCSTART-, a header and comments (#) above a sentence are skipped; a comment `# label: NAME`
    or `# intent: NAME` is the label of its sentence.
    Raises DataError for a file without two columns.
    """
    layout = layout_of(read_lines(path, options.encoding))
    place = column_number(path, column, layout)
    for lines, label in _sentences(read_lines(path, options.encoding), layout):
        yield _row(lines, label, layout, place)


def _sentences(lines: Iterable[TextLine], layout: Layout) -> Iterator[tuple[list[TextLine], str | None]]:
    """Yield the lines of each sentence, and its label."""
    found: list[TextLine] = []
    label = None
    for line in lines:
        text = line.text.strip()
        if not text or text.startswith(DOCUMENT):
            if found:
                yield found, label
                label = None
            found = []
        elif layout.names and tuple(layout.cells(line.text)) == layout.names:
            continue
        elif not found and layout.is_comment(line.text):
            said = LABEL.match(text)
            label = said[1] if said else label
        else:
            found.append(line)
    if found:
        yield found, label


def _row(lines: list[TextLine], label: str | None, layout: Layout, place: int) -> TaggedRow:
    """Return the sentence of lines, with the first error, if any."""
    words, tags = [], []
    for line in lines:
        cells = layout.cells(line.text)
        problem = line.problem
        if not problem and len(cells) != layout.width:
            columns = f"{len(cells)} column{'' if len(cells) == 1 else 's'}"
            problem = f"{line.text.strip()[:60]!r} has {columns} where other lines have {layout.width}"
        if not problem and not (cells[0] and cells[place]):
            problem = f"{line.text.strip()[:60]!r} has no {'tag' if cells[0] else 'word'}"
        if problem:
            return TaggedRow(f":{line.number}", problem=problem)
        words.append(cells[0])
        tags.append(cells[place])
    return TaggedRow(f":{lines[0].number}", words, tags, label, lines=[line.number for line in lines])
