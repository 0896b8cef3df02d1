"""CoNLL-U files (Universal Dependencies): read, and written back byte for byte."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from lingon.core.errors import DataError, unknown
from lingon.core.files import atomic_write
from lingon.data.files.lines import TextLine, read_lines
from lingon.data.trees import NotATree, Tree

__all__ = ["ConlluRow", "ConlluSentence", "format_conllu", "parse_conllu", "read_conllu", "write_conllu"]


class ConlluRow(NamedTuple):
    """A line of ten columns: a word (id 8), a multiword token (id 3-4) or an empty node (id 8.1); `_` is nothing."""

    id: str
    form: str
    lemma: str = "_"
    upos: str = "_"
    xpos: str = "_"
    feats: str = "_"
    head: str = "_"
    deprel: str = "_"
    deps: str = "_"
    misc: str = "_"

    @property
    def is_word(self) -> bool:
        return self.id.isdigit()


@dataclass(frozen=True)
class ConlluSentence:
    """A sentence as its file has it. file, line: where its first row stands; said by errors, not compared."""

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
        """Return the tree over the words. Raises DataError with file and line where there is none, or a broken one."""
        rows = self.word_rows
        heads = tuple(self._head(row) for row in rows)
        try:
            return Tree(self.words, heads, self.column("deprel"), self.column("upos"))
        except NotATree as error:
            raise self.error(rows[error.word], str(error)) from None

    def _head(self, row: ConlluRow) -> int:
        if row.head == "_":
            raise self.error(row, "it has no head; a tree has one for each word, 0 for the root")
        if not (row.head.isascii() and row.head.isdigit()):
            raise self.error(row, f"its head is {row.head[:20]!r}; expected the id of a word, or 0 for the root")
        if row.deprel == "_":
            raise self.error(row, "it has a head, but no relation to it (column DEPREL)")
        return int(row.head[:9])

    def error(self, row: ConlluRow, message: str) -> DataError:
        """Return a DataError with the place of a row."""
        at = self.line + self.rows.index(row)
        return DataError(f"{self.file}:{at}: word {row.id} {row.form[:40]!r}: {message}")

    @property
    def text(self) -> str:
        """Return the text: the comment `# text = `, or else the tokens with spaces where SpaceAfter=No is not said."""
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
        """Return the sentence with other values of some columns of its words; all else stays as it is."""
        numbers = {row.id: i for i, row in enumerate(self.word_rows)}
        rows = (
            row._replace(**{name: values[numbers[row.id]] for name, values in columns.items()}) if row.is_word else row
            for row in self.rows
        )
        return replace(self, rows=tuple(rows))


def read_conllu(path: Path, encoding: str = "utf-8") -> Iterator[ConlluSentence]:
    """Read a CoNLL-U file, also packed (.gz, .xz). Trees are checked when they are asked for, so tags need none.

    Raises DataError with file and line for a wrong number of columns and for ids out of order.
    """
    return parse_conllu(read_lines(path, encoding), str(path))


def parse_conllu(lines: Iterable[TextLine], name: str) -> Iterator[ConlluSentence]:
    """Yield the sentences of lines. name: what errors call the file."""
    comments: list[str] = []
    rows: list[ConlluRow] = []
    start = 0
    for number, raw, problem in lines:
        line = raw.rstrip("\r\n")
        if problem:
            raise DataError(f"{name}:{number}: {problem}")
        if not line.strip():
            if comments or rows:
                yield _sentence(comments, rows, name, start)
            comments, rows = [], []
        elif line.startswith("#"):
            if rows:
                raise DataError(f"{name}:{number}: a comment inside a sentence; expected it above the first word")
            comments.append(line)
        else:
            start = start if rows else number
            rows.append(_row(line, rows, f"{name}:{number}"))
    if comments or rows:
        yield _sentence(comments, rows, name, start)


def _sentence(comments: list[str], rows: list[ConlluRow], name: str, start: int) -> ConlluSentence:
    """Return a sentence whose multiword tokens are of words that it has."""
    words = sum(row.is_word for row in rows)
    for i, row in enumerate(rows):
        if "-" in row.id and int(row.id.split("-")[1]) > words:
            raise DataError(f"{name}:{start + i}: a multiword token of the words {row.id}; the sentence has {words}")
    return ConlluSentence(tuple(comments), tuple(rows), name, start)


def _row(line: str, before: list[ConlluRow], place: str) -> ConlluRow:
    cells = line.split("\t")
    if len(cells) != len(ConlluRow._fields):
        spaces = "; it has spaces where tabs are expected" if len(line.split()) == 10 else ""
        raise DataError(f"{place}: {len(cells)} columns with tabs between; CoNLL-U has ten{spaces}")
    row = ConlluRow._make(map(sys.intern, cells))  # most values come again and again
    if not row.form:
        raise DataError(f"{place}: the column FORM is empty; expected a word, or _")
    _check_order(row.id, before, place)
    return row


def _check_order(found: str, before: list[ConlluRow], place: str) -> None:
    """Check that words count 1, 2, 3; a range stands before its first word, an empty node after its word."""
    last = before[-1].id if before else "0"
    done = int(last.split("-")[0]) - 1 if "-" in last else int(last.split(".")[0])  # the last word so far
    if found == str(done + 1):
        return
    kind = re.fullmatch(r"([0-9]{1,9})([-.])([0-9]{1,9})", found, re.ASCII)
    if kind and kind[2] == "-" and "-" not in last and int(kind[1]) == done + 1 and int(kind[3]) >= done + 1:
        wider = next((row.id for row in reversed(before) if "-" in row.id), "0-0")
        if int(wider.split("-")[1]) > done:
            raise DataError(f"{place}: a multiword token of the words {found} inside that of {wider}")
        return
    if kind and kind[2] == "." and "-" not in last and int(kind[1]) == done:
        count = int(last.split(".")[1]) if "." in last else 0
        if int(kind[3]) == count + 1:
            return
    raise DataError(
        f"{place}: the id {found[:20]!r} comes after {last!r}; expected {done + 1}, or a range or empty node"
    )


def format_conllu(sentence: ConlluSentence) -> str:
    """Return the lines of a sentence, with the empty line after it."""
    lines = [*sentence.comments, *("\t".join(row) for row in sentence.rows), ""]
    return "\n".join(lines) + "\n"


def write_conllu(path: Path, sentences: Iterable[ConlluSentence]) -> None:
    """Write sentences into a file, which is there whole or not at all."""
    with atomic_write(path) as file:
        file.writelines(map(format_conllu, sentences))


def sentence_of(words: Sequence[str], comments: Sequence[str] = ()) -> ConlluSentence:
    """Return a sentence of bare words: ids and forms, and `_` in all other columns."""
    rows = (ConlluRow(str(i), word) for i, word in enumerate(words, 1))
    return ConlluSentence(tuple(comments), tuple(rows))
