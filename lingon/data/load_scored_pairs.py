"""Scored pairs to evaluate an encoder on: a corpus by name, or a table of the user."""

import math
from pathlib import Path
from typing import Any

from lingon.core.errors import DataError, UserError, one_of, suggest, unknown
from lingon.data.corpora.scored_pairs import SCORED_PAIRS, load_scored_pairs
from lingon.data.files.labelled_texts import OnBadRow, ReadReport, peek, text_problem
from lingon.data.files.lines import FileOptions
from lingon.data.files.row import TableRow, cell_text
from lingon.data.files.table_rows import is_table, read_rows
from lingon.data.load_data import PARTS, tell
from lingon.data.scored_pairs import ScoredPairs

# How tables of pairs call their columns.
PAIRS = [
    ("sentence1", "sentence2"),
    ("text1", "text2"),
    ("text_a", "text_b"),
    ("sentence_a", "sentence_b"),
    ("first", "second"),
    ("text", "text_pair"),
    ("question1", "question2"),
    ("premise", "hypothesis"),
    ("query", "passage"),
]
SCORES = ["score", "similarity", "similarity_score", "relatedness", "label", "rating"]
Columns = tuple[str, str, str]


def load_pairs(
    name_or_path: str | Path,
    part: str | None = None,
    text: str | None = None,
    score: str | None = None,
    on_bad_row: OnBadRow = "stop",
    options: FileOptions = FileOptions(),
    text_pair: str | None = None,
) -> ScoredPairs:
    """Return the pairs of a corpus's part ("test" when not given, or "all"), or all of a table.

    text, text_pair, score: columns of a table; guessed when they have usual names, and said on stderr. Raises UserError
    for what is neither, DataError with file and line for a pair with one side missing or a score that is no number.
    """
    name = str(name_or_path)
    if name in SCORED_PAIRS:
        if part not in (None, "all", *PARTS):
            raise unknown("split", part, (*PARTS, "all"))
        splits = load_scored_pairs(name)
        return splits.all() if part == "all" else getattr(splits, part or "test")
    path = Path(name)
    if not path.is_file():
        raise UserError(f"{name!r} is neither a corpus of pairs nor a file; {suggest(path.name, SCORED_PAIRS)}")
    if part not in (None, "all"):
        raise UserError(f"--split {part}: a file of pairs has no parts; leave it out")
    if not is_table(path, options):
        raise DataError(f"{path}: not a table; pairs have two columns of texts and one of scores")
    report = ReadReport()
    columns = _columns(path, text, text_pair, score, options)
    if None in (text, text_pair, score):
        report.messages.append(f"{path}: pairs from columns {columns[0]!r} and {columns[1]!r}, scores {columns[2]!r}")
    rows = [_pair(path, row, columns, on_bad_row, report) for row in read_rows(path, list(columns), options)]
    tell(report)
    kept = [row for row in rows if row]
    if not kept:
        raise DataError(f"{path}: no row holds two texts and a score")
    first, second, scores = zip(*kept, strict=True)
    return ScoredPairs(list(first), list(second), list(scores))


def _columns(path: Path, text: str | None, pair: str | None, score: str | None, options: FileOptions) -> Columns:
    names, _ = peek(path, options)
    for name, flag in ((text, "--text"), (pair, "--text-pair"), (score, "--label")):
        if name is not None and name not in names:
            raise DataError(f"{path}: there is no column {name!r} for {flag}; {suggest(name, names)}")
    usual = {name.lower(): name for name in names}
    found = [(usual[a], usual[b]) for a, b in PAIRS if a in usual and b in usual]
    guessed = found[0] if found else (None, None)
    scores = [usual[each] for each in SCORES if each in usual]
    columns = (text or guessed[0], pair or guessed[1], score or (scores[0] if scores else None))
    if None in columns or len(set(columns)) < 3:
        raise DataError(
            f"{path}: not obvious which columns are the two texts and the score, of {one_of(names)}; "
            "call them sentence1, sentence2 and score"
        )
    return columns[0] or "", columns[1] or "", columns[2] or ""


def _pair(
    path: Path, row: TableRow, columns: Columns, on_bad_row: OnBadRow, report: ReadReport
) -> tuple[str, str, float] | None:
    """The pair of a row; None for a bad one that is left out."""
    problem = text_problem(row, columns[0]) or text_problem(row, columns[1])
    score = _number(row.values.get(columns[2]))
    if not problem and score is None:
        problem = f"{repr(row.values.get(columns[2]))[:40]} in column {columns[2]!r} is no number"
    if problem and on_bad_row == "stop":
        raise DataError(f"{path}{row.where}: {problem}; --on-bad-row skip leaves such rows out")
    if problem or score is None:
        report.skipped += 1
        return None
    return cell_text(row.values[columns[0]]) or "", cell_text(row.values[columns[1]]) or "", score


def _number(value: Any) -> float | None:
    try:
        number = float(cell_text(value) or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
