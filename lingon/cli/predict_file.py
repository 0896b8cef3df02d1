"""What `lingon predict --file` does with a table: it is written back with the predictions of its texts."""

import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from lingon.cli.predict import AT_ONCE, ForPage
from lingon.cli.predict_images import reads_questions_on_images
from lingon.cli.prediction_files import (
    ImageQuestionsFile,
    PairsFile,
    PredictionFile,
    QuestionsFile,
    SentencesFile,
    TextsFile,
)
from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError
from lingon.data.files.image_question_rows import ImageQuestionTable
from lingon.data.files.labelled_texts import LOOK_CELLS, peek
from lingon.data.files.lines import FileOptions
from lingon.data.files.parallel_tables import open_parallel_table, source_column
from lingon.data.files.table_rows import file_suffix
from lingon.data.files.table_writer import check_table, holds_lists, table_writer
from lingon.data.files.text_columns import names_texts
from lingon.recipes.file_settings import bad_rows
from lingon.tasks.registry import row_of
from lingon.tasks.task import Predictor, columns

DIVIDED = (".conllu", ".conll", ".bio", ".iob", ".iob2", ".bioes")  # endings of files of a word a line
OF_WORDS = ("tagged sentences", "trees")  # what tasks that read words are trained on


def source_of(
    task: Predictor,
    path: Path,
    text: str | None,
    on_bad_row: str,
    options: FileOptions,
    text_pair: str | None,
) -> PredictionFile:
    """Return the file that a task reads: of texts, pairs, questions, or sentences that are divided into words."""
    if reads_questions_on_images(task):
        size = getattr(task, "image_size")  # noqa: B009, of such tasks
        table = ImageQuestionTable(path, size, False, bad_rows(on_bad_row) == "skip", options)
        table.columns()
        return ImageQuestionsFile(table)
    divided = file_suffix(path) in DIVIDED and path.is_file() and row_of(task.name).data in OF_WORDS
    if divided and not (text or text_pair):
        return SentencesFile(path, options, bad_rows(on_bad_row))
    if row_of(task.name).data == "parallel texts" and text is None and path.is_file():
        return _sources(path, on_bad_row, options)
    if row_of(task.name).data != "questions":
        return TextsFile.of(path, text, on_bad_row, options, text_pair)
    if text or text_pair:
        raise UserError("--text and --text-pair: files of questions have the columns question and context")
    return QuestionsFile.of(path, on_bad_row, options)


def _sources(path: Path, on_bad_row: str, options: FileOptions) -> PredictionFile:
    """Return the sources of a table as translators are trained on, which is reported; other files as texts."""
    column = source_column(path, options)
    if column:
        print(f"{path}: texts from column {column!r}", file=sys.stderr)
        return TextsFile.of(path, column, on_bad_row, options)
    if column is None and not _has_no_header(path, options):
        return TextsFile.of(path, None, on_bad_row, options)
    table = open_parallel_table(path, options=options)
    print(*table.said, sep="\n", file=sys.stderr)
    return PairsFile(table, bad_rows(on_bad_row) == "skip")


def _has_no_header(path: Path, options: FileOptions) -> bool:
    """Return whether a tsv of several columns has no name that a column of texts has."""
    if file_suffix(path) != ".tsv":
        return False
    names, rows = peek(path, options)
    return len(names) > 1 and not names_texts(names, [row.values for row in rows if not row.problem])


def write_scored(
    task: Predictor,
    source: PredictionFile,
    out: Path,
    overwrite: bool,
    for_page: ForPage | None = None,
) -> str:
    """Write the table back with the columns of each prediction; return a line on it. for_page: keeps all.

    A classifier's are label, probability and probability_CLASS, of several labels labels, a|b, of numbers value; a
    language model's are continuation, finish_reason and logprob. Each has predicted_ before it when the table has one
    of them. A list is one in jsonl, and a|b or JSON in other tables. Only AT_ONCE rows are in memory at a time, or
    fewer where there are many columns.
    """
    check_table(out, source.path, overwrite)
    own = source.columns
    count, rows, at_once = 0, source.rows(), max(1, min(AT_ONCE, LOOK_CELLS // max(1, len(own))))
    added: list[str] = []
    lists = holds_lists(out)
    with table_writer(out) as write:
        while group := list(islice(rows, at_once)):
            texts = [text for text, _ in group]
            predictions = task.predict(texts)
            if for_page:
                for_page.keep(texts, predictions)
            found = [columns(prediction, lists) for prediction in predictions]
            added = added or _names(list(found[0]), own)
            write([_with(row, added, list(one.values())) for (_, row), one in zip(group, found, strict=True)])
            count += len(group)
    if not count:
        raise DataError(f"{source.path}: no row with a text")
    return f"{out}: {counted(count, 'row')} with {_some(added)}"


def _some(names: list[str]) -> str:
    if len(names) > 3:
        return ", ".join([*names[:3], "..."])
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _names(added: list[str], own: Sequence[str]) -> list[str]:
    return [f"predicted_{name}" for name in added] if set(added) & set(own) else added


def _with(row: dict[str, Any], names: list[str], values: list[Any]) -> dict[str, Any]:
    if taken := set(names) & set(row):
        raise DataError(f"the table has a column {min(taken)!r} already; rename it")
    return row | dict(zip(names, values, strict=True))
