"""Phrases that a text must contain: which of them a prefix has, and which tokens would continue the others."""

from collections.abc import Sequence
from dataclasses import dataclass

from lingon.core.errors import UserError


@dataclass(frozen=True)
class Phrase:
    """A phrase that a text must contain, as consecutive tokens.

    ways: alternative tokenizations, each as ids; one of them is enough. at_start: those at the start of a text, where a
    word has no space before it; by default the same. Raises UserError for one without a token.
    """

    ways: tuple[tuple[int, ...], ...]
    at_start: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        if not self.ways or not all((*self.ways, *self.at_start)):
            raise UserError("a required phrase has no tokens; give it at least one")

    @property
    def tokens(self) -> int:
        """Return the number of tokens of the shortest tokenization."""
        return min(map(len, self.ways))

    def stands_in(self, ids: Sequence[int]) -> bool:
        """Return whether a text contains the phrase."""
        text = tuple(ids)
        if any(text[: len(way)] == way for way in self.at_start):
            return True
        places = range(1 if self.at_start else 0, len(text))
        return any(text[at : at + len(way)] == way for way in self.ways for at in places)

    def begun(self, ids: Sequence[int]) -> list[tuple[int, tuple[int, ...]]]:
        """Return (tokens present, remaining tokens) for each tokenization of which a proper prefix ends the text."""
        text = tuple(ids)
        found = [(len(text), way[len(text) :]) for way in self.at_start if way[: len(text)] == text]
        for way in self.ways:
            for length in range(min(len(way) - 1, len(text)), -1, -1):
                starts = len(text) - length
                if (starts or not self.at_start) and text[starts:] == way[:length]:
                    found.append((length, way[length:]))
        return [(there, left) for there, left in found if left]


@dataclass(frozen=True)
class Progress:
    """The progress of a text with all phrases.

    left: minimum number of missing tokens. following: the next tokens of missing phrases, after a prefix or from the
    start.
    """

    left: int
    following: frozenset[int]


def progress(phrases: Sequence[Phrase], ids: Sequence[int]) -> Progress:
    """Return the progress of a text. Only the longest begun phrase counts, since only one is sure to be continued."""
    missing = [phrase for phrase in phrases if not phrase.stands_in(ids)]
    begun = [(phrase, there, left) for phrase in missing for there, left in phrase.begun(ids)]
    saved = max((phrase.tokens - len(left) for phrase, _, left in begun), default=0)
    following = frozenset(left[0] for _, _, left in begun)
    return Progress(sum(phrase.tokens for phrase in missing) - max(0, saved), following)
