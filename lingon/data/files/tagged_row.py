"""One sentence of a user's file of tagged words, and its place."""

from collections.abc import Sequence
from typing import NamedTuple


class TaggedRow(NamedTuple):
    """Words and tags as read from a file, or else what is wrong with them.

    where: place of the sentence (`:17`, or `: row 17`). label: of the whole sentence, such as an intent, if any.
    passed_over: why it is not an example although nothing is wrong with it. lines: of each word, if each has its own.
    """

    where: str
    words: Sequence[str] = ()
    tags: Sequence[str] = ()
    label: str | None = None
    problem: str = ""
    passed_over: str = ""
    lines: Sequence[int] | None = None

    def where_is(self, word: int) -> str:
        """Return the place of a word, for messages."""
        if self.lines is not None:
            return f":{self.lines[word]}"
        return f"{self.where}: word {word + 1} ({self.words[word][:40]!r})"


EMPTY = "no words"
