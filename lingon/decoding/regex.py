"""Regular expressions as trees, with the syntax and semantics of Python's `re.fullmatch`."""

import re
import sys
from dataclasses import dataclass
from functools import cache

from lingon.core.errors import UserError
from lingon.decoding.pattern_reader import PatternReader

Ranges = tuple[tuple[int, int], ...]  # of code points, both ends included, sorted and disjoint
LAST = sys.maxunicode
MAX_PATTERN_LENGTH = 50_000  # characters of a pattern; longer ones have more states than an automaton may have


@dataclass(frozen=True)
class CharacterClass:
    """Match one character of these ranges."""

    ranges: Ranges


@dataclass(frozen=True)
class Concatenation:
    """Match all parts, one after the other; without parts, the empty text."""

    parts: tuple["Pattern", ...]


@dataclass(frozen=True)
class Alternation:
    """Match one of the parts; without parts, no text at all."""

    parts: tuple["Pattern", ...]


@dataclass(frozen=True)
class Repetition:
    """Match the part `least` to `most` times; None means without limit."""

    part: "Pattern"
    least: int
    most: int | None


@dataclass(frozen=True)
class Graph:
    """A graph with patterns as edges: texts lead from node 0 to the last. A part occurs once, not once per path.

    edges: (from, to, part); none leads into node 0 or out of the last.
    """

    places: int
    edges: tuple[tuple[int, int, "Pattern"], ...]


Pattern = CharacterClass | Concatenation | Alternation | Repetition | Graph
NOTHING = Concatenation(())


def literal(text: str) -> Concatenation:
    """Return the pattern that matches exactly this text."""
    return Concatenation(tuple(CharacterClass(((ord(c), ord(c)),)) for c in text))


def union(ranges: list[tuple[int, int]]) -> Ranges:
    """Return ranges sorted, with touching ones joined.

    >>> union([(5, 9), (1, 2), (3, 6)])
    ((1, 9),)
    """
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def without(ranges: Ranges) -> Ranges:
    """Return the complement of ranges of code points."""
    edges = [-1, *(edge for low, high in ranges for edge in (low, high)), LAST + 1]
    return tuple((a + 1, b - 1) for a, b in zip(edges[::2], edges[1::2], strict=True) if a + 1 <= b - 1)


ANY = without(((10, 10),))


@cache
def category(letter: str) -> Ranges:
    r"""Return the characters that `re` matches by \d, \w or \s; for a capital letter, all others."""
    if letter.isupper():
        return without(category(letter.lower()))
    every = "".join(map(chr, range(LAST + 1)))
    return tuple((m.start(), m.end() - 1) for m in re.finditer(rf"\{letter}+", every))


def repetition_count(digits: str) -> int:
    """Return the number given by digits; for very long ones, any over `MAX_REPETITIONS`: Python converts 4,300 digits.

    >>> repetition_count(""), repetition_count("007"), repetition_count("9" * 5000)
    (0, 7, 99999)
    """
    return int(digits.lstrip("0")[:5] or 0)


def parse(pattern: str) -> Pattern:
    """Return the tree of a regular expression. Raises UserError, with the position, if it is invalid or not supported.

    Not supported: backreferences, lookaround, word boundaries, flags, possessive quantifiers; ^ and $ are allowed only
    at the ends, where they change nothing, since the whole text must match.
    """
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise UserError(
            f"the regular expression has {len(pattern):,} characters, expected {MAX_PATTERN_LENGTH:,} at most"
        )
    return _Parser(pattern).parse()


class _Parser(PatternReader):
    def outermost(self) -> Pattern:
        return self.alternatives(outermost=True)

    def alternatives(self, outermost: bool = False) -> Pattern:
        parts = [self.sequence(outermost)]
        while self.accept("|"):
            parts.append(self.sequence(outermost))
        return parts[0] if len(parts) == 1 else Alternation(tuple(parts))

    def sequence(self, outermost: bool) -> Pattern:
        parts = []
        if outermost:
            self.accept("^")
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            if outermost and self.text[self.at] == "$" and self.text[self.at + 1 : self.at + 2] in ("", "|"):
                self.at += 1
                break
            parts.append(self.repeated(self.one()))
        return parts[0] if len(parts) == 1 else Concatenation(tuple(parts))

    def repeated(self, part: Pattern) -> Pattern:
        bounds = self.bounds()
        if bounds is None:
            return part
        least, most = bounds
        self.check_bounds(least, most)
        self.accept("?")  # a lazy repetition matches the same whole texts
        if self.accept("+") or self.bounds() is not None:
            raise self.error("a repetition of a repetition; put the first into ( )")
        return Repetition(part, least, most)

    def bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self.accept(sign):
                return bounds
        found = re.compile(r"\{([0-9]*)(,?)([0-9]*)\}").match(self.text, self.at)
        if not found or found[0] == "{}":
            return None
        self.at = found.end()
        least = repetition_count(found[1])
        return least, (repetition_count(found[3]) if found[3] else None) if found[2] else least

    def one(self) -> Pattern:
        sign = self.text[self.at]
        if self.accept("("):
            return self.group()
        if self.accept("["):
            return CharacterClass(self.set())
        if self.accept("."):
            return CharacterClass(ANY)
        if sign in "^$":
            raise self.error(f"{sign} inside an expression; the whole text must match anyway, leave it out")
        if sign in "*+?" or self.bounds() is not None:
            raise self.error(f"{sign} with nothing to repeat")
        if self.accept("\\"):
            return CharacterClass(self.escape(inside=False))
        self.at += 1
        return literal(sign).parts[0]

    def group(self) -> Pattern:
        if self.accept("?"):
            name = re.compile(r"P<\w+>").match(self.text, self.at)
            if name:
                self.at = name.end()
            elif not self.accept(":"):
                raise self.error("flags, lookaround and the like have no automaton; (?: ) and (?P<name> ) have")
        return self.inside_group()

    def set(self) -> Ranges:
        outside, first = self.accept("^"), True
        ranges: list[tuple[int, int]] = []
        while first or not self.accept("]"):
            if self.at >= len(self.text):
                raise self.error("a [ without its ]")
            ranges += self.span()
            first = False
        found = union(ranges)
        return without(found) if outside else found

    def span(self) -> Ranges:
        """Return one member of a [set]: a character, a range or a category."""
        low = self.member()
        if not (self.text.startswith("-", self.at) and self.text[self.at + 1 : self.at + 2] not in ("", "]")):
            return low
        self.at += 1
        high = self.member()
        if len(low) > 1 or len(high) > 1 or low[0][0] != low[0][1] or high[0][0] != high[0][1]:
            raise self.error("a range needs a character at each end")
        if low[0][0] > high[0][0]:
            raise self.error("a range that ends before it begins")
        return ((low[0][0], high[0][0]),)

    def member(self) -> Ranges:
        if self.accept("\\"):
            return self.escape(inside=True)
        if self.at >= len(self.text):
            raise self.error("a [ without its ]")
        self.at += 1
        return ((ord(self.text[self.at - 1]),) * 2,)

    def escape(self, inside: bool) -> Ranges:
        if self.at >= len(self.text):
            raise self.error("a \\ at the end")
        sign = self.text[self.at]
        self.at += 1
        if sign in "dwsDWS":
            return category(sign)
        if inside and sign == "b":
            return ((8, 8),)
        if sign == "0":  # up to two more octal digits
            octal = re.compile(r"[0-7]{0,2}").match(self.text, self.at)
            digits = octal[0] if octal else ""
            self.at += len(digits)
            return ((int(digits or "0", 8),) * 2,)
        if sign in SIGNS:
            return ((SIGNS[sign],) * 2,)
        if sign in DIGITS:
            digits = self.text[self.at : self.at + DIGITS[sign]]
            if not re.fullmatch(r"[0-9a-fA-F]+", digits) or len(digits) < DIGITS[sign] or int(digits, 16) > LAST:
                raise self.error(f"\\{sign} wants {DIGITS[sign]} hexadecimal digits of a character")
            self.at += len(digits)
            return ((int(digits, 16),) * 2,)
        if sign.isascii() and sign.isalnum():
            raise self.error(f"\\{sign} is a boundary, a reference or unknown, and has no automaton")
        return ((ord(sign),) * 2,)


SIGNS = {"n": 10, "t": 9, "r": 13, "f": 12, "v": 11, "a": 7}
DIGITS = {"x": 2, "u": 4, "U": 8}
