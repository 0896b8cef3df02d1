"""The files that `lingon predict --file` reads, as rows: what a task predicts from, and the row that it is from."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lingon.cli.predict import lines_of
from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError, no_file, suggest
from lingon.data.all_rows import all_rows
from lingon.data.files.conll_columns import conll_rows
from lingon.data.files.conllu import BrokenSentence, read_conllu_sentences
from lingon.data.files.image_question_rows import ImageQuestionTable
from lingon.data.files.labelled_texts import peek, text_problem
from lingon.data.files.lines import FileOptions, OnBadRow
from lingon.data.files.parallel_row import ParallelFile
from lingon.data.files.row import TableRow, cell_text
from lingon.data.files.table_rows import file_suffix, is_table, read_rows
from lingon.data.left_out import LeftOut
from lingon.data.running_text import text_column
from lingon.recipes.file_settings import bad_rows


@dataclass
class TextsFile:
    """A file of texts: a table, or one text a line.

    skip: rows that cannot be read are left out and counted. blank: rows without a text stay, with an empty one.
    """

    path: Path
    text: str | None
    skip: bool
    options: FileOptions
    text_pair: str | None = None
    skipped: int = 0
    blank: bool = False

    @classmethod
    def of(
        cls, path: Path, text: str | None, on_bad_row: str, options: FileOptions, text_pair: str | None = None
    ) -> "TextsFile":
        """The file with its column found. Raises UserError when it is not there, or has no column of texts."""
        bad_rows(on_bad_row)
        if not path.is_file():
            corpus = "; it names a corpus, which lingon evaluate --data takes" if str(path) in all_rows() else ""
            raise no_file(path, corpus)
        table = is_table(path, options)
        if text and not table:
            raise UserError(f"--text {text!r}: {path} is not a table; each of its lines is one text")
        if text_pair is not None:
            names = peek(path, options)[0] if table else []
            if text_pair not in names:
                raise UserError(
                    f"{path}: there is no column {text_pair!r} for --text-pair; {suggest(text_pair, names)}"
                )
            if text is None:
                raise UserError(f"{path}: --text-pair names the column of the second texts; give --text for the first")
        column = text_column(path, text, options) if table else None
        return cls(path, column, on_bad_row == "skip", options, text_pair)

    @property
    def columns(self) -> list[str]:
        """The columns that the table has."""
        return ["text"] if self.text is None else peek(self.path, self.options)[0]

    def rows(self, tell: bool = True) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Each text, or pair of texts, with the row that it is from. tell: report how many were skipped."""
        self.skipped = 0
        if self.text is None:
            yield from self._lines(tell)
            return
        for row in read_rows(self.path, None, self.options):
            if self._readable(row):
                text = cell_text(row.values[self.text]) or ""
                second = None if self.text_pair is None else cell_text(row.values[self.text_pair]) or ""
                yield (text if second is None else (text, second)), row.values
        if self.skipped and tell:
            print(
                f"{self.path}: {counted(self.skipped, 'row is', 'rows are')} skipped, without a text or unreadable",
                file=sys.stderr,
            )

    def _lines(self, tell: bool) -> Iterator[tuple[str, dict[str, Any]]]:
        empty = True
        for line in lines_of(self.path, self.options):
            empty = False
            yield line, {"text": line}
        if empty and tell:
            print(f"{self.path}: there is no text in it", file=sys.stderr)

    def _is_blank(self, row: TableRow) -> bool:
        value = row.values.get(self.text or "", self)
        return not row.problem and (value is None or (isinstance(value, str) and not value.strip()))

    def _readable(self, row: TableRow) -> bool:
        wrong = "" if self.blank and self._is_blank(row) else text_problem(row, self.text or "")
        if not wrong and self.text_pair is not None and (wrong := text_problem(row, self.text_pair)):
            wrong += "; a pair has two texts"
        if wrong and not self.skip:
            raise DataError(f"{self.path}{row.where}: {wrong}; --on-bad-row skip leaves such rows out")
        self.skipped += bool(wrong)
        return not wrong


@dataclass
class PairsFile:
    """A table of sources and targets whose columns have no names; the sources are read.

    skip: rows that cannot be read are left out and counted.
    """

    table: ParallelFile
    skip: bool
    columns: Sequence[str] = ("source", "target")

    @property
    def path(self) -> Path:
        """The table."""
        return self.table.path

    def rows(self, tell: bool = True) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each source with its row. tell: the number of skipped ones is reported at the end."""
        skipped = 0
        for row in self.table.read():
            if row.problem and not self.skip:
                raise DataError(f"{self.table.place(row)}: {row.problem}; --on-bad-row skip leaves such rows out")
            if row.problem:
                skipped += 1
            else:
                yield row.source, {"source": row.source, "target": row.target}
        if skipped and tell:
            print(f"{self.path}: {counted(skipped, 'row is', 'rows are')} left out as unreadable", file=sys.stderr)


@dataclass
class QuestionsFile:
    """A file of questions with their passages, in the layout of SQuAD; answers that it may have are not read."""

    path: Path
    questions: list[Any]

    @classmethod
    def of(cls, path: Path, on_bad_row: str, options: FileOptions) -> "QuestionsFile":
        """The file with all its questions. Raises UserError when it is not there, DataError naming a question."""
        from lingon.data.files.squad import read_squad

        if not path.is_file():
            raise no_file(path)
        found, report = read_squad(path, bad_rows(on_bad_row), options, with_answers=False)
        for line in report.messages(path):
            print(line, file=sys.stderr)
        return cls(path, found)

    @property
    def columns(self) -> list[str]:
        """The columns of a row that is written back."""
        return ["id", "question", "context"]

    def rows(self) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Each pair of question and passage with its row."""
        for one in self.questions:
            yield (one.question, one.context), {"id": one.id, "question": one.question, "context": one.context}


@dataclass
class SentencesFile:
    """A file whose sentences are divided into words: CoNLL-U, or columns of which the first is words."""

    path: Path
    options: FileOptions
    on_bad_row: OnBadRow = "stop"  # what happens with sentences that cannot be read
    columns: Sequence[str] = ("text",)

    def rows(self) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Each sentence, with its text as the row of a table."""
        left = LeftOut(self.path, self.on_bad_row)
        yield from self._conllu(left) if file_suffix(self.path) == ".conllu" else self._columns(left)
        for line in left.messages():
            print(line, file=sys.stderr)

    def _conllu(self, left: LeftOut) -> Iterator[tuple[Any, dict[str, Any]]]:
        for sentence in read_conllu_sentences(self.path, self.options.encoding):
            if isinstance(sentence, BrokenSentence):
                left.add(sentence.error)
            else:
                yield sentence, {"text": sentence.text}

    def _columns(self, left: LeftOut) -> Iterator[tuple[Any, dict[str, Any]]]:
        for row in conll_rows(self.path, self.options):
            if row.problem:
                left.add(DataError(f"{self.path}{row.where}: {row.problem}"))
            elif row.words:
                yield list(row.words), {"text": " ".join(row.words)}


@dataclass
class ImageQuestionsFile:
    """A table of questions on images; answers that it may have are not read."""

    table: ImageQuestionTable

    @property
    def path(self) -> Path:
        """The table."""
        return self.table.path

    @property
    def columns(self) -> list[str]:
        """The columns that the table has."""
        return peek(self.path, self.table.options)[0]

    def rows(self) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Each pair of image and question with its row."""
        for row in self.table.rows():
            yield (row.image, row.question), row.values
        for line in self.table.messages():
            print(line, file=sys.stderr)


PredictionFile = TextsFile | PairsFile | QuestionsFile | SentencesFile | ImageQuestionsFile
