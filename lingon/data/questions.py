"""Questions about passages, with answers that are spans of the passage, and their division by passage."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lingon.core.errors import DataError, too_few

EVERY = 20  # one in this many passages is for validation, and one for the test if no other test is given
VALID, TEST = 0, 10  # their indices modulo EVERY


class Answer(NamedTuple):
    """An answer: a span of the passage, and the character where it starts."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """Return the position after its last character."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class Question:
    """A question about a passage, `context`. answers: marked by several people; none: the passage has no answer."""

    id: str
    context: str
    question: str
    answers: tuple[Answer, ...] = ()

    @property
    def texts(self) -> list[str]:
        """Return the answers as texts."""
        return [answer.text for answer in self.answers]


@dataclass(frozen=True)
class QuestionSplits:
    """Training, validation and test questions, their name, and where they come from (stored in run.json)."""

    train: list[Question]
    valid: list[Question]
    test: list[Question]
    name: str
    source: dict[str, Any] = field(default_factory=dict)

    def all(self) -> list[Question]:
        """Return the questions of all three parts."""
        return self.train + self.valid + self.test


def passages_of(questions: Iterable[Question]) -> list[list[Question]]:
    """Return the questions grouped by passage, passages in the order of their first question."""
    found: dict[str, list[Question]] = {}
    for question in questions:
        found.setdefault(question.context, []).append(question)
    return list(found.values())


def split_by_passage(
    questions: Sequence[Question], name: str, test: bool = True
) -> tuple[list[Question], list[Question], list[Question]]:
    """Return training, validation and test questions, so that no passage is in two of them.

    Every 20th passage is for validation, and every 20th, counted from the eleventh, for the test; where there are
    fewer than 40 passages, the first and the last. test: False leaves the test empty, and its passages in training.
    Raises DataError naming the data for fewer than three passages.
    """
    passages = passages_of(questions)
    if len(passages) < 3:
        raise DataError(
            f"{name}: {too_few(len(passages), 'passage')}; a passage is for training, for validation or for the test, "
            "so expected three or more"
        )
    parts: tuple[list[Question], ...] = ([], [], [])
    for number, some in enumerate(passages):
        parts[_part(number, len(passages), test)].extend(some)
    return parts[0], parts[1], parts[2]


def _part(number: int, passages: int, test: bool) -> int:
    many = passages >= 2 * EVERY
    if number % EVERY == VALID if many else number == 0:
        return 1
    return 2 if test and (number % EVERY == TEST if many else number == passages - 1) else 0


def questions_checksum(questions: Iterable[Question]) -> str:
    """Return the sha256 of all content of questions, in hex."""
    digest = hashlib.sha256()
    for one in questions:
        digest.update(repr((one.id, one.context, one.question, tuple(map(tuple, one.answers)))).encode())
    return digest.hexdigest()
