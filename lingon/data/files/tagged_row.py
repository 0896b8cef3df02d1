"""One sentence of a user's file of tagged words, and where it stands."""

from collections.abc import Sequence
from typing import NamedTuple


class TaggedRow(NamedTuple):
    """Words and their tags as a file has them, or else what is wrong with them.

    where: of the sentence (`:17`, or `: row 17`). label: of the whole sentence, as an intent, where the file says one.
    passed_over: why it is not an example, though nothing is wrong with it. lines: of each word, where it has its own.
    """

    where: str
    words: Sequence[str] = ()
    tags: Sequence[str] = ()
    label: str | None = None
    problem: str = ""
    passed_over: str = ""
    lines: Sequence[int] | None = None

    def where_is(self, word: int) -> str:
        """Return where a word stands."""
        if self.lines is not None:
            return f":{self.lines[word]}"
        return f"{self.where}: word {word + 1} ({self.words[word][:40]!r})"


EMPTY = "no words"
