"""Phrases that must stand in a text: which of them a beginning has, how far it is in others, what would go on."""

from collections.abc import Sequence
from dataclasses import dataclass

from lingon.core.errors import UserError


@dataclass(frozen=True)
class Phrase:
    """Tokens that must stand in a text, one after the other.

    ways: the ways to write it, each as ids; one of them is enough. at_start: those as the beginning of a text, where
    no space stands before a word; the same when not given. Raises UserError for one without a token.
    """

    ways: tuple[tuple[int, ...], ...]
    at_start: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        if not self.ways or not all((*self.ways, *self.at_start)):
            raise UserError("a required phrase has no tokens; give it at least one")

    @property
    def tokens(self) -> int:
        """Return the tokens of the shortest way to write it."""
        return min(map(len, self.ways))

    def stands_in(self, ids: Sequence[int]) -> bool:
        """Return whether the phrase is in a text."""
        text = tuple(ids)
        if any(text[: len(way)] == way for way in self.at_start):
            return True
        places = range(1 if self.at_start else 0, len(text))
        return any(text[at : at + len(way)] == way for way in self.ways for at in places)

    def begun(self, ids: Sequence[int]) -> list[tuple[int, tuple[int, ...]]]:
        """Return (tokens that are there, tokens that are left) of each way that the text ends in the beginning of."""
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
    """How far a text is with all phrases.

    left: tokens that are still to come at least. following: the next token of every phrase that is not there, of one
    that is begun and from its start.
    """

    left: int
    following: frozenset[int]


def progress(phrases: Sequence[Phrase], ids: Sequence[int]) -> Progress:
    """Return how far a text is. The begun phrase that is furthest counts: only one of them is sure to be continued."""
    missing = [phrase for phrase in phrases if not phrase.stands_in(ids)]
    begun = [(phrase, there, left) for phrase in missing for there, left in phrase.begun(ids)]
    saved = max((phrase.tokens - len(left) for phrase, _, left in begun), default=0)
    following = frozenset(left[0] for _, _, left in begun)
    return Progress(sum(phrase.tokens for phrase in missing) - max(0, saved), following)
