"""Loads questions with answers: a corpus by name, or a user's file in the layout of SQuAD."""

import sys
from pathlib import Path
from typing import Any

from lingon.core.counted import counted
from lingon.core.errors import UserError, suggest, unknown
from lingon.core.files import sha256_of
from lingon.core.terminal import printable
from lingon.data.corpora.question_answering import QUESTION_ANSWERING, load_question_corpus, refuse_test_only
from lingon.data.files.lines import FileOptions, OnBadRow
from lingon.data.files.squad import read_squad
from lingon.data.questions import Question, QuestionSplits, questions_checksum, split_by_passage

PARTS = ("train", "valid", "test")


def load_question_splits(
    name_or_path: str | Path,
    test: str | Path | None = None,
    on_bad_row: OnBadRow = "stop",
    options: FileOptions = FileOptions(),
) -> QuestionSplits:
    """Return training, validation and test questions of a corpus or of a file, divided by passage.

    test: a corpus or file to test on; then no test part is held out from training. Raises UserError for an unknown
    corpus or missing file, DataError with file and id for questions that cannot be read.
    """
    name = str(name_or_path)
    if name in QUESTION_ANSWERING:
        refuse_test_only(name)
        found = load_question_corpus(name, test is None)
    else:
        found = _of_file(Path(name), test is None, on_bad_row, options)
    if test is None:
        return found
    held_out = load_questions(test, None, on_bad_row, options)
    shared = {question.context for question in held_out} & {question.context for question in found.all()}
    if shared:
        print(f"{counted(len(shared), 'passage')} of {test} are also in training or validation", file=sys.stderr)
    source = found.source | {"test": len(held_out), "test_data": Path(test).name}
    source["test_sha256"] = questions_checksum(held_out)
    return QuestionSplits(found.train, found.valid, held_out, found.name, source)


def load_questions(
    name_or_path: str | Path,
    part: str | None = None,
    on_bad_row: OnBadRow = "stop",
    options: FileOptions = FileOptions(),
) -> list[Question]:
    """Return the questions of a corpus's part ("test" when not given, or "all"), or all of a file."""
    name = str(name_or_path)
    if part not in (None, "all", *PARTS):
        raise unknown("split", part, (*PARTS, "all"))
    if name in QUESTION_ANSWERING:
        splits = load_question_corpus(name)
    elif part in (None, "all"):
        return _read(Path(name), on_bad_row, options)
    else:
        splits = _of_file(Path(name), True, on_bad_row, options)
    found = splits.all() if part == "all" else getattr(splits, part or "test")
    if not found:
        raise UserError(f"{name!r} has no part {part!r}, it is a test set; leave --split out")
    return found


def _of_file(path: Path, test: bool, on_bad_row: OnBadRow, options: FileOptions) -> QuestionSplits:
    questions = _read(path, on_bad_row, options)
    if not any(question.answers for question in questions):
        raise UserError(f"{path}: no question has an answer; expected the layout of SQuAD, with 'answers'")
    parts = split_by_passage(questions, str(path), test)
    source: dict[str, Any] = {"name": path.name, "file_sha256": sha256_of(path)}
    source |= {part: len(some) for part, some in zip(PARTS, parts, strict=True)}
    return QuestionSplits(*parts, path.name, source | {"sha256": questions_checksum(questions)})


def _read(path: Path, on_bad_row: OnBadRow, options: FileOptions) -> list[Question]:
    """Return the questions of a file, and report what was repaired and left out."""
    if not path.is_file():
        raise UserError(
            f"{str(path)!r} is neither a corpus of questions nor a file; {suggest(path.name, QUESTION_ANSWERING)}"
        )
    questions, report = read_squad(path, on_bad_row, options)
    for line in report.messages(path):
        print(printable(line), file=sys.stderr)
    return questions
