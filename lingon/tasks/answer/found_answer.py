"""An answer that was found: its text, where it stands in the passage, and how probable it is."""

from dataclasses import dataclass, field
from typing import Any

from lingon.core.terminal import printable
from lingon.data.questions import Question

NO_ANSWER_TEXT = "(no answer)"


@dataclass(frozen=True)
class FoundAnswer:
    """An answer. start, end: its characters in the passage; None where the passage has no answer, whose text is "".

    probability: of this answer among all spans of the passage, and no answer where that may be one. no_answer: how
    much likelier no answer is than the best span, in logits.
    """

    question: str
    answer: str
    probability: float
    start: int | None
    end: int | None
    context: str = field(repr=False, compare=False)
    no_answer: float = field(repr=False, compare=False)

    @classmethod
    def at(cls, question: Question, start: int, end: int, probability: float, no_answer: float) -> "FoundAnswer":
        """Return the answer that stands at these characters of the passage."""
        return cls(question.question, question.context[start:end], probability, start, end, question.context, no_answer)

    @classmethod
    def none(cls, question: Question, probability: float, no_answer: float) -> "FoundAnswer":
        """Return that there is no answer."""
        return cls(question.question, "", probability, None, None, question.context, no_answer)

    def row(self) -> dict[str, Any]:
        """Return the fields by name, the question first; of the passage only where the answer stands."""
        return {
            "question": self.question,
            "answer": self.answer,
            "probability": self.probability,
            "start": self.start,
            "end": self.end,
        }

    def pieces(self) -> tuple[str, str, str]:
        """Return the passage before the answer, the answer, and the passage after it."""
        if self.start is None or self.end is None:
            return self.context, "", ""
        return self.context[: self.start], self.answer, self.context[self.end :]

    def __str__(self) -> str:
        return printable(f"{self.probability:6.1%}  {self.answer or NO_ANSWER_TEXT}  [{self.question}]")
