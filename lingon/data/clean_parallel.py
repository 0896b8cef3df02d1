"""Pairs that nothing can be learned from, counted and left out: empty, too long, unequal in length, or again."""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lingon.data.parallel_texts import ParallelPair
from lingon.data.split import key_of

WIDE = "WF"  # classes of characters that Unicode (annex 11) calls wide: those of Chinese, Japanese and Korean


@dataclass(frozen=True)
class CleaningRules:
    """Rules by which a pair is left out.

    max_words: of either side. Words stand between white space; a wide character (Chinese, Japanese) is a word too.
    max_length_ratio: characters of the longer side for each of the shorter one; a wide character counts twice.
    """

    max_words: int = 250
    max_length_ratio: float = 5.0

    def said(self) -> str:
        """Return the rules in a line."""
        return (
            f"left out are pairs with an empty side, more than {self.max_words:,} words, a side more than "
            f"{self.max_length_ratio:g} times as long as the other, and pairs that come again"
        )


@dataclass
class CleaningReport:
    """Numbers of pairs that were read, and left out for each reason, with the place of the first."""

    read: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)

    def leave_out(self, reason: str, where: str) -> None:
        """Count a pair that is left out."""
        self.left_out[reason] = self.left_out.get(reason, 0) + 1
        self.first.setdefault(reason, where)

    def said(self) -> list[str]:
        """Return a line for each reason."""
        return [
            f"{count:,} of {self.read:,} pairs left out: {reason}; the first at {self.first[reason]}"
            for reason, count in self.left_out.items()
        ]


def clean_pairs(
    pairs: Iterable[tuple[str, str, str]], rules: CleaningRules, report: CleaningReport
) -> Iterator[ParallelPair]:
    """Yield the pairs that are kept, without white space around them. pairs: where each stands, source and target."""
    seen: set[tuple[str, str]] = set()
    for where, source, target in pairs:
        report.read += 1
        pair = ParallelPair(source.strip(), target.strip())
        if reason := left_out(pair, rules):
            report.leave_out(reason, where)
            continue
        key = (key_of(pair.source), key_of(pair.target))
        if key in seen:
            report.leave_out("it comes again", where)
            continue
        seen.add(key)
        yield pair


def left_out(pair: ParallelPair, rules: CleaningRules) -> str:
    """Return why a pair is left out; nothing for one that is kept."""
    if not pair.source or not pair.target:
        return f"empty {'source' if not pair.source else 'target'}"
    if max(map(word_count, pair)) > rules.max_words:
        return f"more than {rules.max_words:,} words"
    if length_ratio(pair) > rules.max_length_ratio:
        return f"one side is more than {rules.max_length_ratio:g} times as long"
    return ""


def word_count(text: str) -> int:
    """Return the number of words between white space, where each wide character is a word too.

    >>> word_count("Come in, please."), word_count("请进 please")
    (3, 4)
    """
    return len(text.split()) + _wide(text)


def length_ratio(pair: ParallelPair) -> float:
    """Return how many times as long as the other the longer side is, in characters, of which wide ones count twice.

    >>> length_ratio(ParallelPair("Please do come in.", "请进来吧。"))
    1.8
    """
    lengths = sorted(len(text) + _wide(text) for text in pair)
    return lengths[1] / lengths[0]


def _wide(text: str) -> int:
    return 0 if text.isascii() else sum(unicodedata.east_asian_width(character) in WIDE for character in text)
