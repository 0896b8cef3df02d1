"""Reads questions with passages and answers: SQuAD 1.1 and 2.0 as published, or as rows of a table as on the hub."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from lingon.core.counted import counted
from lingon.core.errors import DataError, one_of
from lingon.data.files.labelled_texts import SURROGATE
from lingon.data.files.lines import FileOptions, OnBadRow, read_text
from lingon.data.files.table_rows import file_suffix, read_rows
from lingon.data.questions import Answer, Question

SKIP = "--on-bad-row skip leaves such questions out"


@dataclass
class SquadReport:
    """Report on reading. mended: number of answers with a wrong offset whose text occurs once in the passage.

    left_out: ids of questions without a remaining answer, because its text occurs several times, or, with
    on_bad_row="skip", of those that cannot be read.
    """

    mended: int = 0
    dropped: int = 0
    left_out: list[str] = field(default_factory=list)

    def messages(self, path: Path) -> list[str]:
        """Return messages for the user; none if nothing was wrong."""
        said = []
        if wrong := self.mended + self.dropped:
            said.append(
                f"{path}: {counted(wrong, 'answer')} not at the offset that is given: {self.mended:,} "
                "mended, as the text "
                f"stands once in the passage; {self.dropped:,} left out, as it stands there several times"
            )
        if self.left_out:
            said.append(
                f"{path}: {counted(len(self.left_out), 'question is', 'questions are')} left out: "
                f"{one_of(self.left_out)}"
            )
        return said


class _Raw(NamedTuple):
    """A question as read from a file; `answers` should be texts with offsets but is not checked yet.

    problem: why the row cannot be read; empty if it can.
    """

    where: str
    id: Any
    context: Any
    question: Any
    answers: Any
    problem: str = ""


def read_squad(
    path: Path | str,
    on_bad_row: OnBadRow = "stop",
    options: FileOptions = FileOptions(),
    with_answers: bool = True,
) -> tuple[list[Question], SquadReport]:
    """Read the questions of a file: nested JSON of SQuAD, or rows (.jsonl, .json, .parquet) with question and context.

    In rows `answers` is {"text": [...], "answer_start": [...]}; it may be missing, for questions to be answered.
    with_answers: False ignores all answers, even invalid ones.
    Raises DataError with the file and the id of the question for a missing text, and for an answer that is not in its
    passage.
    """
    path, report, found = Path(path), SquadReport(), []
    for raw in _raw_questions(path, options):
        try:
            found += _question(raw if with_answers else raw._replace(answers=None), report)
        except DataError as error:
            if on_bad_row == "stop":
                raise DataError(f"{path}{raw.where}: {error}; {SKIP}") from None
            report.left_out.append(str(raw.id))
    if not found:
        why = "".join("; " + line.removeprefix(f"{path}: ") for line in report.messages(path))
        raise DataError(f"{path}: no question that can be used{why}")
    return found, report


def _question(raw: _Raw, report: SquadReport) -> list[Question]:
    """Return a list of the question; empty if none of its answers can be located."""
    if raw.problem:
        raise DataError(raw.problem)
    for name, value in (("question", raw.question), ("context", raw.context)):
        if not isinstance(value, str) or not value.strip():
            raise DataError(f"question {raw.id!r} has the {name} {str(value)[:40]!r}, expected text")
        if not value.isascii() and SURROGATE.search(value):
            raise DataError(f"question {raw.id!r} contains a lone surrogate (half a character) in its {name}")
    given = _answers(raw)
    kept = [answer for text, start in given if (answer := _located(raw, text, start, report)) is not None]
    if given and not kept:
        report.left_out.append(str(raw.id))
        return []
    return [Question(str(raw.id), raw.context, raw.question, tuple(kept))]


def _answers(raw: _Raw) -> list[tuple[str, Any]]:
    """Return texts with their offsets, from a list of objects or from an object of lists."""
    found = [] if raw.answers is None else raw.answers
    if isinstance(found, Mapping):
        listed, starts = found.get("text"), found.get("answer_start", [])
        if not isinstance(listed, list) or not isinstance(starts, list):
            raise DataError(f"question {raw.id!r}: key 'answers' is not an object with the lists text and answer_start")
        found = [{"text": text, "answer_start": start} for text, start in zip_longest(listed, starts)]
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise DataError(f"question {raw.id!r}: key 'answers' is {str(found)[:40]!r}, expected a list of answers")
    texts = [(one.get("text"), one.get("answer_start")) for one in found]
    for text, _ in texts:
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"question {raw.id!r} has the answer {str(text)[:40]!r}, expected text")
    return texts


def _located(raw: _Raw, text: str, start: Any, report: SquadReport) -> Answer | None:
    """Return an answer with its place in the passage; None if the offset is wrong and the text occurs several times.

    Raises DataError for a text that is not in the passage.
    """
    if type(start) is int and start >= 0 and raw.context.startswith(text, start):
        return Answer(text, start)
    first = raw.context.find(text)
    if first < 0:
        raise DataError(f"question {raw.id!r}: its answer {text[:60]!r} is not in its passage")
    if raw.context.find(text, first + 1) >= 0:
        report.dropped += 1
        return None
    report.mended += 1
    return Answer(text, first)


def _raw_questions(path: Path, options: FileOptions) -> Iterator[_Raw]:
    nested = _nested_content(path, options)
    if nested is not None:
        yield from _nested(path, nested)
        return
    for number, row in enumerate(read_rows(path, None, options), 1):
        values, problem = row.values, row.problem
        missing = [name for name in ("question", "context") if name not in values]
        if missing and not problem:
            problem = f"there is no {missing[0]!r}; it has {one_of(map(str, values))}"
        id = values.get("id", number)
        yield _Raw(row.where, id, values.get("context"), values.get("question"), values.get("answers"), problem)


def _nested_content(path: Path, options: FileOptions) -> list[Any] | None:
    """Return the articles of a file of SQuAD; None for a file of rows."""
    if file_suffix(path) != ".json":
        return None
    try:
        content = json.loads(read_text(path, options.encoding))
    except (ValueError, RecursionError):
        return None  # JSON lines, or broken, which the reader of rows reports
    if not isinstance(content, dict):
        return None
    articles = content.get("data")
    if not isinstance(articles, list):
        raise DataError(f"{path}: a JSON object without the list 'data', which files of SQuAD have")
    return articles


def _nested(path: Path, articles: list[Any]) -> Iterator[_Raw]:
    if articles and all(isinstance(one, dict) and "question" in one for one in articles):  # {"data": [rows]}
        for number, row in enumerate(articles, 1):
            id = row.get("id", number)
            yield _Raw(f": item {number}", id, row.get("context"), row.get("question"), row.get("answers"))
        return
    for article_number, article in enumerate(articles):
        for number, paragraph in enumerate(_list(path, f"data[{article_number}]", article, "paragraphs")):
            where = f": data[{article_number}].paragraphs[{number}]"
            for place, asked in enumerate(_list(path, where.removeprefix(": "), paragraph, "qas")):
                if not isinstance(asked, dict):
                    raise DataError(f"{path}{where}.qas[{place}] is {str(asked)[:40]!r}, expected a question")
                id = asked.get("id", f"{article_number}-{number}-{place}")
                # For impossible questions SQuAD 2.0 has plausible answers, under another key; they are not answers.
                given = [] if asked.get("is_impossible") else asked.get("answers")
                yield _Raw(where, id, paragraph.get("context"), asked.get("question"), given)


def _list(path: Path, where: str, content: Any, name: str) -> list[Any]:
    found = content.get(name) if isinstance(content, dict) else None
    if not isinstance(found, list):
        raise DataError(f"{path}: {where} has no list {name!r}; expected the layout of SQuAD")
    return found
