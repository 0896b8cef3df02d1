"""CoNLL-U files (Universal Dependencies): read, and written back byte for byte."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lingon.core.errors import DataError, unknown
from lingon.core.files import atomic_write
from lingon.data.files.conllu_row import ConlluFault, ConlluRow, row_of
from lingon.data.files.lines import TextLine, read_lines
from lingon.data.trees import NotATree, Tree

__all__ = [
    "BrokenSentence",
    "ConlluRow",
    "ConlluSentence",
    "format_conllu",
    "parse_conllu",
    "read_conllu",
    "read_conllu_sentences",
    "write_conllu",
]


@dataclass(frozen=True)
class ConlluSentence:
    """A sentence of a CoNLL-U file. file, line: location of its first row, for errors, not compared."""

    comments: tuple[str, ...]
    rows: tuple[ConlluRow, ...]
    file: str = field(default="sentence", compare=False)
    line: int = field(default=1, compare=False)

    @property
    def word_rows(self) -> tuple[ConlluRow, ...]:
        """Return the rows of words, without multiword tokens and empty nodes."""
        return tuple(row for row in self.rows if row.is_word)

    @property
    def words(self) -> tuple[str, ...]:
        return self.column("form")

    def column(self, name: str) -> tuple[str, ...]:
        """Return a column of the words: "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc"."""
        if name not in ConlluRow._fields:
            raise unknown("column of CoNLL-U", name, ConlluRow._fields)
        place = ConlluRow._fields.index(name)
        return tuple(row[place] for row in self.word_rows)

    @property
    def has_tree(self) -> bool:
        """Return whether any word has a head."""
        return any(row.head != "_" for row in self.word_rows)

    @property
    def tree(self) -> Tree:
        """Return the tree over the words. Raises DataError with file and line if it is missing or invalid."""
        rows = self.word_rows
        heads = tuple(self._head(row) for row in rows)
        try:
            return Tree(self.words, heads, self.column("deprel"), self.column("upos"))
        except NotATree as error:
            raise self.error(rows[error.word], str(error)) from None

    def _head(self, row: ConlluRow) -> int:
        if row.head == "_":
            raise self.error(row, "it has no head; every word needs one, 0 for the root")
        if not (row.head.isascii() and row.head.isdigit()):
            raise self.error(row, f"its head is {row.head[:20]!r}; expected the id of a word, or 0 for the root")
        if row.deprel == "_":
            raise self.error(row, "it has a head, but no relation to it (column DEPREL)")
        return int(row.head[:9])

    def error(self, row: ConlluRow, message: str) -> DataError:
        """Return a DataError with the location of a row."""
        at = self.line + self.rows.index(row)
        return DataError(f"{self.file}:{at}: word {row.id} {row.form[:40]!r}: {message}")

    @property
    def text(self) -> str:
        """Return the text: the comment `# text = `, or else the tokens with spaces, except where SpaceAfter=No."""
        for comment in self.comments:
            if found := re.match(r"# *text *= *(.*)", comment):
                return found[1]
        parts, inside = [], 0
        for row in self.rows:
            if "-" in row.id:
                inside = int(row.id.split("-")[1])
            elif not row.is_word or int(row.id) <= inside:
                continue  # an empty node, or a word of the multiword token before it
            parts.append(row.form + ("" if "SpaceAfter=No" in row.misc.split("|") else " "))
        return "".join(parts).rstrip()

    def with_columns(self, columns: Mapping[str, Sequence[str]]) -> "ConlluSentence":
        """Return the sentence with some columns of its words replaced; everything else is unchanged."""
        numbers = {row.id: i for i, row in enumerate(self.word_rows)}
        rows = (
            row._replace(**{name: values[numbers[row.id]] for name, values in columns.items()}) if row.is_word else row
            for row in self.rows
        )
        return replace(self, rows=tuple(rows))


@dataclass(frozen=True)
class BrokenSentence:
    """Lines between two empty ones that are not a valid sentence. line, problem: of the error."""

    file: str
    line: int
    problem: str

    @property
    def error(self) -> DataError:
        return DataError(f"{self.file}:{self.line}: {self.problem}")


def read_conllu(path: Path, encoding: str = "utf-8") -> Iterator[ConlluSentence]:
    """Yield the sentences of a CoNLL-U file, perhaps compressed (.gz, .xz). Trees are validated only when accessed.

    Raises DataError with file and line for a wrong number of columns and for ids out of order.
    """
    return parse_conllu(read_lines(path, encoding), str(path))


def read_conllu_sentences(path: Path, encoding: str = "utf-8") -> Iterator[ConlluSentence | BrokenSentence]:
    """Yield the sentences of a CoNLL-U file like `read_conllu`, with broken ones as `BrokenSentence`."""
    return _sentences(read_lines(path, encoding), str(path))


def parse_conllu(lines: Iterable[TextLine], name: str) -> Iterator[ConlluSentence]:
    """Yield the sentences of lines. name: what errors call the file. Raises DataError with file and line."""
    for found in _sentences(lines, name):
        if isinstance(found, BrokenSentence):
            raise found.error
        yield found


def _sentences(lines: Iterable[TextLine], name: str) -> Iterator[ConlluSentence | BrokenSentence]:
    """Yield the sentences between empty lines; in a broken one, lines after the error are ignored."""
    comments: list[str] = []
    rows: list[ConlluRow] = []
    start, fault = 0, None
    for number, raw, problem in lines:
        line = raw.rstrip("\r\n")
        if not problem and not line.strip():
            if comments or rows or fault:
                yield _sentence(comments, rows, name, start, fault)
            comments, rows, fault = [], [], None
        elif fault is None:
            try:
                _take(line, number, problem, comments, rows)
            except ConlluFault as found:
                fault = found
            start = number if len(rows) == 1 else start
    if comments or rows or fault:
        yield _sentence(comments, rows, name, start, fault)


def _take(line: str, number: int, problem: str | None, comments: list[str], rows: list[ConlluRow]) -> None:
    """Add a line to the comments or the rows of a sentence."""
    if problem:
        raise ConlluFault(number, problem)
    if not line.startswith("#"):
        rows.append(row_of(line, rows, number))
    elif rows:
        raise ConlluFault(number, "a comment inside a sentence; expected it above the first word")
    else:
        comments.append(line)


def _sentence(
    comments: list[str], rows: list[ConlluRow], name: str, start: int, fault: ConlluFault | None
) -> ConlluSentence | BrokenSentence:
    """Return a sentence after checking that its multiword tokens span existing words."""
    words = sum(row.is_word for row in rows)
    for i, row in enumerate(rows if fault is None else ()):
        if "-" in row.id and int(row.id.split("-")[1]) > words:
            fault = ConlluFault(start + i, f"a multiword token of the words {row.id}; the sentence has {words}")
            break
    if fault is not None:
        return BrokenSentence(name, fault.line, str(fault))
    return ConlluSentence(tuple(comments), tuple(rows), name, start)


def format_conllu(sentence: ConlluSentence) -> str:
    """Return the lines of a sentence, with the empty line after it."""
    lines = [*sentence.comments, *("\t".join(row) for row in sentence.rows), ""]
    return "\n".join(lines) + "\n"


def write_conllu(path: Path, sentences: Iterable[ConlluSentence]) -> None:
    """Write sentences to a file, atomically."""
    with atomic_write(path) as file:
        file.writelines(map(format_conllu, sentences))


def sentence_of(words: Sequence[str], comments: Sequence[str] = ()) -> ConlluSentence:
    """Return a sentence of words only: ids and forms, and `_` in all other columns."""
    rows = (ConlluRow(str(i), word) for i, word in enumerate(words, 1))
    return ConlluSentence(tuple(comments), tuple(rows))
