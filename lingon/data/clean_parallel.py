"""Cleaning of parallel texts: empty, duplicate, too long and unequally long pairs are counted and left out."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.data.parallel_texts import ParallelPair, ParallelTexts
from lingon.data.split import key_of

WIDE = "WF"  # East Asian width classes of Unicode (annex 11) that are wide: Chinese, Japanese and Korean
MAY_BE_WIDE = re.compile("[\u1100-\u115f\u2e80-\uffef\U00016fe0-\U0003fffd]")


@dataclass(frozen=True)
class CleaningRules:
    """Rules by which training pairs are left out.

    max_words: of either side, separated by white space; a wide character (Chinese, Japanese) counts as a word.
    max_length_ratio: characters of the longer side / those of the shorter; a wide character counts twice.
    Raises UserError for values that would leave nothing.
    """

    max_words: int = 250
    max_length_ratio: float = 5.0

    def __post_init__(self):
        if self.max_words < 1:
            raise UserError(f"--max-words is {self.max_words}; expected 1 or more")
        if not self.max_length_ratio >= 1:
            raise UserError(f"--max-length-ratio is {self.max_length_ratio}; expected 1 or more")

    def said(self) -> str:
        """Return all rules as a line of text."""
        return (
            f"rules: no empty side, no pair twice; of pairs to learn from at most {self.max_words:,} words a side "
            f"(--max-words), and no side more than {self.max_length_ratio:g} times as long as the other "
            "(--max-length-ratio)"
        )


@dataclass
class CleaningReport:
    """Counts of pairs read, and left out for each reason, with the location of the first."""

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
            f"{count:,} of {counted(self.read, 'pair')} left out: {reason}; the first at {self.first[reason]}"
            for reason, count in self.left_out.items()
        ]


def distinct_pairs(rows: Iterable[tuple[str, str, str]], report: CleaningReport) -> Iterator[tuple[str, ParallelPair]]:
    """Yield distinct pairs with two non-empty sides, with their locations; surrounding white space is stripped.

    rows: location, source and target of each pair. Pairs that differ only in white space or Unicode normalization are
    duplicates.
    """
    seen: set[tuple[str, str]] = set()
    for where, source, target in rows:
        report.read += 1
        pair = ParallelPair(source.strip(), target.strip())
        if not pair.source or not pair.target:
            report.leave_out(f"empty {'target' if pair.source else 'source'}", where)
            continue
        key = (key_of(pair.source), key_of(pair.target))
        if key in seen:
            report.leave_out("it comes again", where)
            continue
        seen.add(key)
        yield where, pair


def learnable(
    pairs: ParallelTexts, rules: CleaningRules, report: CleaningReport, place: Callable[[int], str]
) -> ParallelTexts:
    """Return the pairs that the rules keep. place: the location of the pair at a position, for the report."""
    kept = []
    for i, pair in enumerate(pairs):
        if reason := why_left_out(pair, rules):
            report.leave_out(reason, place(i))
        else:
            kept.append(i)
    return pairs if len(kept) == len(pairs) else pairs[kept]


def why_left_out(pair: ParallelPair, rules: CleaningRules) -> str:
    """Return why a pair with two sides is left out; "" if it is kept."""
    if max(map(word_count, pair)) > rules.max_words:
        return f"more than {rules.max_words:,} words"
    if length_ratio(pair) > rules.max_length_ratio:
        return f"one side is more than {rules.max_length_ratio:g} times as long"
    return ""


def word_count(text: str) -> int:
    """Return the number of words separated by white space plus the number of wide characters.

    >>> word_count("Come in, please."), word_count("请进 please")
    (3, 4)
    """
    return len(text.split()) + _wide(text)


def length_ratio(pair: ParallelPair) -> float:
    """Return the length of the longer side / that of the shorter, in characters; wide ones count twice.

    >>> length_ratio(ParallelPair("Please do come in.", "请进来吧。"))
    1.8
    """
    lengths = sorted(len(text) + _wide(text) for text in pair)
    return lengths[1] / lengths[0]


def _wide(text: str) -> int:
    if text.isascii() or not MAY_BE_WIDE.search(text):
        return 0
    return sum(unicodedata.east_asian_width(character) in WIDE for character in text)
