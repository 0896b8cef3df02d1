"""Reads pairs of texts from a user's table: finds their columns, and checks the rows one by one."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError, one_of, suggest
from lingon.data.files.labelled_texts import peek, text_problem
from lingon.data.files.lines import FileOptions, OnBadRow
from lingon.data.files.row import TableRow, cell_text
from lingon.data.files.table_rows import read_rows
from lingon.data.split import key_of
from lingon.data.text_pairs import PositivePairs, ScoredPairs, TextPairs

# Usual names of the columns of pairs.
PAIRS = [
    ("anchor", "positive"),
    ("query", "positive"),
    ("query", "pos"),
    ("question", "positive"),
    ("sentence1", "sentence2"),
    ("text1", "text2"),
    ("text_a", "text_b"),
    ("sentence_a", "sentence_b"),
    ("sent0", "sent1"),
    ("first", "second"),
    ("text", "text_pair"),
    ("question1", "question2"),
    ("premise", "hypothesis"),
    ("query", "passage"),
    ("query", "document"),
    ("query", "answer"),
    ("question", "answer"),
    ("question", "passage"),
]
SCORES = ["score", "similarity", "similarity_score", "relatedness", "label", "rating"]
NEGATIVE = re.compile(r"(hard_)?neg(ative)?s?(_(passage|document|answer)s?)?(_?\d+)?")  # negative, hard_neg, neg_2 ...


class PairColumns(NamedTuple):
    """Names of the columns of pairs. score: None if there is none and the two texts of each pair belong together."""

    first: str
    second: str
    negatives: tuple[str, ...] = ()
    score: str | None = None

    def names(self) -> list[str]:
        """Return the names of all columns."""
        return [self.first, self.second, *self.negatives, *([self.score] if self.score else [])]

    def said(self) -> str:
        """Return a message that names the columns."""
        more = f", scores {self.score!r}" if self.score else ""
        more += f", negatives {' and '.join(map(repr, self.negatives))}" if self.negatives else ""
        return f"pairs from columns {self.first!r} and {self.second!r}{more}"


@dataclass
class PairReport:
    """Report on reading pairs: the number of skipped rows, and messages for the user."""

    skipped: int = 0
    first_skipped: str = ""
    messages: list[str] = field(default_factory=list)


def find_pair_columns(
    path: Path,
    text: str | None = None,
    text_pair: str | None = None,
    negatives: Sequence[str] = (),
    score: str | None = None,
    options: FileOptions = FileOptions(),
) -> PairColumns | None:
    """Return the columns of pairs: those given, else those with usual names; None for a table without pairs.

    Raises DataError for a missing column, UserError for one that is given twice.
    """
    names, _ = peek(path, options)
    flags = [(text, "--text"), (text_pair, "--text-pair"), (score, "--label"), *((n, "--negative") for n in negatives)]
    for name, flag in flags:
        if name is not None and name not in names:
            raise DataError(f"{path}: there is no column {name!r} for {flag}; {suggest(name, names)}")
    usual = {name.lower(): name for name in names}
    guessed = [(usual[a], usual[b]) for a, b in PAIRS if a in usual and b in usual]
    fits = [pair for pair in guessed if text in (None, pair[0]) and text_pair in (None, pair[1])]
    first, second = (text, text_pair) if text and text_pair else fits[0] if fits else (None, None)
    if first is None or second is None:
        return None
    found = tuple(negatives) or tuple(n for n in names if NEGATIVE.fullmatch(n.lower()) and n not in (first, second))
    scores = [usual[each] for each in SCORES if each in usual and not found]
    columns = PairColumns(first, second, found, score or next(iter(scores), None))
    if len(set(columns.names())) < len(columns.names()):
        raise UserError(f"{path}: a column is named twice, of {', '.join(columns.names())}")
    if columns.score is not None and found:
        raise UserError(f"{path}: pairs have scores (--label {columns.score}) or negatives (--negative), not both")
    return columns


def not_obvious(path: Path, options: FileOptions) -> DataError:
    """Return the error for a table in which no pairs were found."""
    names, _ = peek(path, options)
    return DataError(
        f"{path}: not obvious which columns are the two texts of a pair, of {one_of(names)}; name them with --text and "
        "--text-pair, and a score, if there is one, with --label"
    )


def read_pairs(
    path: Path, columns: PairColumns, on_bad_row: OnBadRow = "stop", options: FileOptions = FileOptions()
) -> tuple[TextPairs, PairReport]:
    """Return the pairs of a table with a report: `ScoredPairs` where there is a score, else `PositivePairs`.

    A cell may be a list of texts, such as several positives. Repeated pairs and pairs of a text with itself are left
    out and reported. Raises DataError with file and line for a pair with one side missing, a score that is not a
    number, or a negative that equals the positive; on_bad_row "skip" skips such rows.
    """
    report, rows = PairReport(), []
    for row in read_rows(path, columns.names(), options):
        found, problem = _scored(row, columns) if columns.score else _positive(row, columns)
        if problem and on_bad_row == "stop":
            raise DataError(f"{path}{row.where}: {problem}; --on-bad-row skip leaves such rows out")
        report.skipped += bool(problem)
        report.first_skipped = report.first_skipped or (f"{path}{row.where}: {problem}" if problem else "")
        rows += [(row.where, one) for one in found] if not problem else []
    if report.skipped:
        report.messages.append(
            f"{path.name}: {counted(report.skipped, 'bad row')} skipped, the first: {report.first_skipped}"
        )
    kept = list(_scored_ones(rows) if columns.score else _distinct(path, rows, report))
    if not kept:
        raise DataError(f"{path}: no row holds two texts{' and a score' if columns.score else ''}")
    first, second, third = (list(column) for column in zip(*kept, strict=True))
    return (ScoredPairs if columns.score else PositivePairs)(first, second, third), report


def _scored_ones(rows: list[tuple[str, Any]]) -> Iterator[Any]:
    return (one for _, one in rows)


def _distinct(path: Path, rows: list[tuple[str, Any]], report: PairReport) -> Iterator[Any]:
    """Yield pairs of two different texts, each once; report where the others are."""
    seen: dict[tuple[str, ...], str] = {}
    again, same = [], []
    for where, (first, second, negatives) in rows:
        key = (key_of(first), key_of(second), *map(key_of, negatives))
        if key[0] == key[1]:
            same.append(where)
        elif seen.setdefault(key, where) is not where:
            again.append(where)
        else:
            yield first, second, negatives
    for places, what in ((again, "come again"), (same, "are a text with itself")):
        if places:
            report.messages.append(
                f"{path}{places[0]}: the first of {counted(len(places), 'pair')} that {what}; left out"
            )


def _scored(row: TableRow, columns: PairColumns) -> tuple[list[Any], str]:
    """Return the scored pair of a row, and what is wrong with it."""
    for column in (columns.first, columns.second):
        if problem := text_problem(row, column):
            return [], f"{problem}; a pair has two texts"
    value = row.values.get(columns.score or "")
    score = _number(value)
    if score is None:
        return [], f"{repr(value)[:40]} in column {columns.score!r} is not a number"
    first, second = (cell_text(row.values[column]) or "" for column in (columns.first, columns.second))
    return [(first, second, score)], ""


def _positive(row: TableRow, columns: PairColumns) -> tuple[list[Any], str]:
    """Return the pairs of a row, one for each of its positives, and what is wrong with it."""
    if problem := text_problem(row, columns.first):
        return [], f"{problem}; a pair has two texts"
    first = cell_text(row.values[columns.first]) or ""
    positives, problem = _texts(row, columns.second)
    if problem or not positives:
        return [], f"{problem or f'no text in column {columns.second!r}'}; a pair has two texts"
    negatives: list[str] = []
    for column in columns.negatives:
        texts, problem = ([], "") if _is_empty(row.values.get(column)) else _texts(row, column)
        wrong = {key_of(text) for text in texts} & {key_of(text) for text in (first, *positives)}
        if problem or wrong:
            return (
                [],
                problem or f"the negative in column {column!r} is the anchor or the positive: {min(wrong)[:40]!r}",
            )
        negatives += texts
    return [(first, positive, tuple(negatives)) for positive in positives], ""


def _texts(row: TableRow, column: str) -> tuple[list[str], str]:
    """Return the text of a cell, or all texts of a list, and what is wrong with the first bad one."""
    value = row.values.get(column)
    cells = list(value) if isinstance(value, list | tuple) else [value]
    for cell in cells:
        if problem := text_problem(TableRow(row.where, {column: cell}, row.problem), column):
            return [], problem
    return [cell_text(cell) or "" for cell in cells], ""


def _is_empty(value: Any) -> bool:
    return (
        value is None
        or (isinstance(value, float) and math.isnan(value))
        or (isinstance(value, str) and not value.strip())
    )


def _number(value: Any) -> float | None:
    try:
        number = float(cell_text(value) or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
