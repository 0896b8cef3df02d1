"""An answer to a question on an image, with its probability and the words that the model does not know."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lingon.core.terminal import printable

NO_ANSWER_TEXT = "(no answer: no word of the question is known)"


@dataclass(frozen=True)
class VisualAnswer:
    """An answer. image: what the image is called. probability: among all answers that the model knows.

    unknown_words: those of the question that no training question had. Where all are, there is no answer: it is "",
    of probability 0. pixels: the image as the model saw it, uint8 [H, W, 3].
    """

    image: str
    question: str
    answer: str
    probability: float
    unknown_words: tuple[str, ...] = ()
    pixels: np.ndarray | None = field(default=None, repr=False, compare=False)

    def row(self) -> dict[str, Any]:
        """Return the fields by name, the question first."""
        return {
            "question": self.question,
            "answer": self.answer,
            "probability": self.probability,
            "unknown_words": list(self.unknown_words),
        }

    @property
    def answer_text(self) -> str:
        """Return the answer for people, or that there is none."""
        return self.answer or NO_ANSWER_TEXT

    def __str__(self) -> str:
        unknown = f"  (unknown: {', '.join(self.unknown_words)})" if self.unknown_words and self.answer else ""
        where = f"{self.image}: " if self.image else ""
        return printable(f"{self.probability:6.1%}  {self.answer_text}  [{where}{self.question}]{unknown}")
