"""A translation that was found: its text, its tokens, and how likely the model takes it to be."""

from dataclasses import dataclass, field
from typing import Any

from lingon.core.terminal import printable


@dataclass(frozen=True)
class Translation:
    """A translation of a source text.

    score: what ranks it among others, the log-probability divided by the length penalty. logprob: of all its tokens,
    natural logarithm. ids: of the tokens, the end among them. ended: the model ended it; else it is as long as it may
    be.
    """

    source: str
    translation: str
    score: float
    logprob: float
    ids: tuple[int, ...] = field(repr=False)
    ended: bool = True

    def row(self) -> dict[str, Any]:
        """Return the fields by name, the source first."""
        return {"text": self.source, "translation": self.translation, "score": self.score, "logprob": self.logprob}

    def __str__(self) -> str:
        return printable(self.translation)
