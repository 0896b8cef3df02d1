"""Previews questions about passages: their number, and some of them with their answers."""

from collections.abc import Sequence
from pathlib import Path

from lingon.core.counted import counted
from lingon.core.errors import DataError
from lingon.core.terminal import printable
from lingon.data.corpora.question_answering import QUESTION_ANSWERING, load_question_corpus
from lingon.data.files.labelled_texts import peek
from lingon.data.files.lines import FileOptions, OnBadRow
from lingon.data.files.squad import read_squad
from lingon.data.files.table_rows import is_table
from lingon.data.load_data import tell_lines
from lingon.data.questions import Question

BEFORE, AROUND = 80, 240  # characters of a passage: before the answer, and in all


def show_question_corpus(name: str, samples: int) -> str:
    """Return counts of each part of a corpus, and some questions with the answers that people gave."""
    row, found = QUESTION_ANSWERING[name], load_question_corpus(name)
    parts = {"train": found.train, "valid": found.valid, "test": found.test}
    said = ", ".join(f"{part} {_count(some)}" for part, some in parts.items() if some)
    return "\n".join([f"{name}: {row.summary}", f"licence: {row.licence}", said, *_samples(found.test, samples)])


def holds_questions(path: Path, options: FileOptions) -> bool:
    """Return whether a file is a table of questions with their passages."""
    if not path.is_file() or not is_table(path, options):
        return False
    try:
        return {"question", "context"} <= set(peek(path, options)[0])
    except DataError:
        return False


def show_question_file(path: Path, samples: int, on_bad_row: OnBadRow, options: FileOptions) -> str:
    """Return the preview of a user's file."""
    found, report = read_squad(path, on_bad_row, options)
    tell_lines(report.messages(path))
    return "\n".join([f"{printable(str(path))}: {_count(found)}", *_samples(found, samples)])


def _count(some: Sequence[Question]) -> str:
    return f"{counted(len(some), 'question')} on {counted(len({one.context for one in some}), 'passage')}"


def _samples(questions: Sequence[Question], count: int) -> list[str]:
    lines = []
    for one in questions[:: max(1, len(questions) // max(1, count))][:count]:
        start = max(0, one.answers[0].start - BEFORE) if one.answers else 0
        around = " ".join(one.context[start : start + AROUND].split())
        lines += ["", printable(one.question), printable(f"    {' | '.join(dict.fromkeys(one.texts))}")]
        lines.append(printable(f"    ... {around} ..."))
    return lines
