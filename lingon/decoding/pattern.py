"""Regular expressions as automata over bytes, so that a text can be checked while it is being written.

An expression is parsed into an automaton with free moves (Thompson 1968) whose moves read one byte of UTF-8 each; sets
of its states are the states of a deterministic one, made only where a text comes by (Rabin and Scott 1959).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lingon.core.errors import UserError

LARGEST = 0x10FFFF
MOST_REPEATS, MOST_STATES = 1000, 200_000
DIGIT, SPACE = [(48, 57)], [(9, 13), (32, 32)]
WORD = [(48, 57), (65, 90), (95, 95), (97, 122)]
ESCAPES = {"n": 10, "t": 9, "r": 13, "f": 12, "v": 11, "0": 0}
CLASSES = {"d": DIGIT, "s": SPACE, "w": WORD}
Ranges = list[tuple[int, int]]


@dataclass
class Automaton:
    """moves[s]: (first byte, last byte, next state) out of state s; free[s]: states reached without a byte."""

    moves: list[list[tuple[int, int, int]]] = field(default_factory=list)
    free: list[list[int]] = field(default_factory=list)
    start: int = 0
    end: int = 0

    def state(self) -> int:
        """A new state. Raises UserError when there are too many."""
        if len(self.moves) >= MOST_STATES:
            raise UserError(f"the pattern needs more than {MOST_STATES:,} states; repeat less")
        self.moves.append([])
        self.free.append([])
        return len(self.moves) - 1

    def closed(self, states: Iterable[int]) -> frozenset[int]:
        """These states and all that free moves lead to."""
        seen, waiting = set(), list(states)
        while waiting:
            state = waiting.pop()
            if state not in seen:
                seen.add(state)
                waiting += self.free[state]
        return frozenset(seen)

    def after(self, states: frozenset[int], byte: int) -> frozenset[int]:
        """Where one byte leads; empty when no text goes on like this."""
        return self.closed({to for s in states for low, high, to in self.moves[s] if low <= byte <= high})

    @property
    def first(self) -> frozenset[int]:
        """The state of an empty text."""
        return self.closed({self.start})

    def matches(self, text: str) -> bool:
        """Whether the whole text is one that the expression describes."""
        states = self.first
        for byte in text.encode():
            states = self.after(states, byte)
        return self.end in states


def automaton(pattern: str) -> Automaton:
    """The automaton of a regular expression that must match from the first character to the last.

    Literals, . [a-z] [^a-z], the classes d s w D S W after a backslash (ASCII), ( ) (?: ) | * + ? {m} {m,} {m,n} and
    escapes, as in Python's `re`; no anchors, no looking around, no references back.
    Raises UserError that names what is not understood, and where.
    """
    parser = _Parser(pattern)
    parser.built.start, parser.built.end = parser.choice()
    if parser.at < len(pattern):
        raise parser.wrong("a ')' without its '('")
    return parser.built


class _Parser:
    def __init__(self, pattern: str):
        self.pattern, self.at, self.built = pattern, 0, Automaton()

    def wrong(self, what: str) -> UserError:
        return UserError(f"pattern {self.pattern[:60]!r}, character {self.at}: {what}")

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def take(self) -> str:
        if self.at >= len(self.pattern):
            raise self.wrong("it ends too early")
        self.at += 1
        return self.pattern[self.at - 1]

    def choice(self) -> tuple[int, int]:
        start, end = self.built.state(), self.built.state()
        while True:
            first, last = self.sequence()
            self.built.free[start].append(first)
            self.built.free[last].append(end)
            if self.peek() != "|":
                return start, end
            self.take()

    def sequence(self) -> tuple[int, int]:
        start = end = self.built.state()
        while self.peek() not in ("", "|", ")"):
            begun = self.at
            first, last = self.atom()
            stop = self.at
            least, most = self.repeats()
            first, last = self.repeated((first, last), least, most, (begun, stop))
            self.built.free[end].append(first)
            end = last
        return start, end

    def repeats(self) -> tuple[int, int | None]:
        """How often the last atom is to come, at least and at most; None is without end."""
        sign = self.peek()
        if sign and sign in "*+?":
            self.take()
            found = {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        elif match := re.compile(r"\{(\d+)(,(\d*))?\}").match(self.pattern, self.at):
            least = int(match[1])
            found = (least, least if match[2] is None else int(match[3]) if match[3] else None)
            if max(found[0], found[1] or 0) > MOST_REPEATS or (found[1] is not None and found[1] < least):
                raise self.wrong(f"{match[0]} repeats more than {MOST_REPEATS} times, or in the wrong order")
            self.at = match.end()
        else:
            return 1, 1
        if self.peek() == "?":  # a lazy repeat describes the same texts
            self.take()
        elif self.peek() and self.peek() in "*+":
            raise self.wrong("two repeats after each other")
        return found

    def repeated(self, one: tuple[int, int], least: int, most: int | None, where: tuple[int, int]) -> tuple[int, int]:
        """An atom as often as wanted; copies of it are parsed anew from where it stands."""
        if (least, most) == (1, 1):
            return one
        built, start = self.built, self.built.state()
        if most == 0:
            return start, start
        resume, parts = self.at, [one]
        for _ in range((max(1, least) if most is None else most) - 1):
            self.at = where[0]
            parts.append(self.atom())
            assert self.at == where[1]
        self.at = resume
        end, skip = start, built.state()
        for i, (first, last) in enumerate(parts):
            if i >= least:
                built.free[end].append(skip)
            built.free[end].append(first)
            end = last
        if most is None:
            built.free[end].append(parts[-1][0])
        built.free[end].append(skip)
        return start, skip

    def atom(self) -> tuple[int, int]:
        sign = self.take()
        if sign == "(":
            return self.group()
        if sign == "[":
            return self.reading(self.bracket())
        if sign == ".":
            return self.reading(_others([(10, 10)]))
        if sign == "\\":
            return self.reading(self.escaped())
        if sign in "^$":
            raise self.wrong(f"{sign!r}: the whole text is matched, so that it needs no anchors")
        if sign in "*+?":
            raise self.wrong(f"{sign!r} repeats nothing")
        return self.reading([(ord(sign), ord(sign))])

    def group(self) -> tuple[int, int]:
        if self.peek() == "?":
            if self.pattern[self.at : self.at + 2] != "?:":
                raise self.wrong("looking around and named groups are not understood; use ( ) or (?: )")
            self.at += 2
        found = self.choice()
        if self.peek() != ")":
            raise self.wrong("a '(' without its ')'")
        self.take()
        return found

    def escaped(self) -> Ranges:
        sign = self.take()
        if sign.lower() in CLASSES:
            return _others(CLASSES[sign.lower()]) if sign.isupper() else CLASSES[sign]
        if sign in "xu":
            digits = self.pattern[self.at : self.at + (2 if sign == "x" else 4)]
            if not re.fullmatch("[0-9a-fA-F]{2}|[0-9a-fA-F]{4}", digits):
                raise self.wrong(f"\\{sign} needs its digits")
            self.at += len(digits)
            return [(int(digits, 16),) * 2]
        if sign.isalnum() and sign not in ESCAPES:
            raise self.wrong(f"\\{sign} is not understood")
        return [(ESCAPES.get(sign, ord(sign)),) * 2]

    def bracket(self) -> Ranges:
        no, ranges, first = self.peek() == "^", [], True
        if no:
            self.take()
        while first or self.peek() != "]":
            low, first = self.member(), False
            single = len(low) == 1 and low[0][0] == low[0][1]
            if single and self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
                self.take()
                high = self.member()
                if len(high) != 1 or high[0][0] < low[0][0]:
                    raise self.wrong("a range that runs backwards")
                low = [(low[0][0], high[0][1])]
            ranges += low
        self.take()
        return _others(ranges) if no else ranges

    def member(self) -> Ranges:
        sign = self.take()
        return self.escaped() if sign == "\\" else [(ord(sign), ord(sign))]

    def reading(self, ranges: Ranges) -> tuple[int, int]:
        """States between which one character of these ranges is read, byte by byte."""
        start, end = self.built.state(), self.built.state()
        for low, high in ranges:
            for parts in bytes_of(low, high):
                here = start
                for i, (first, last) in enumerate(parts):
                    there = end if i == len(parts) - 1 else self.built.state()
                    self.built.moves[here].append((first, last, there))
                    here = there
        return start, end


def _others(ranges: Ranges) -> Ranges:
    """All characters outside these ranges, half surrogates left out."""
    out, at = [], 0
    for low, high in [*sorted([*ranges, (0xD800, 0xDFFF)]), (LARGEST + 1, LARGEST + 1)]:
        if at < low:
            out.append((at, low - 1))
        at = max(at, high + 1)
    return out


def bytes_of(low: int, high: int) -> Iterator[list[tuple[int, int]]]:
    """The characters low..high in UTF-8: sequences of byte ranges whose products are just these characters."""
    for first, last in ((0, 0x7F), (0x80, 0x7FF), (0x800, 0xD7FF), (0xE000, 0xFFFF), (0x10000, LARGEST)):
        a, b = max(low, first), min(high, last)
        if a <= b:
            yield from _split(a, b)


def _split(low: int, high: int) -> Iterator[list[tuple[int, int]]]:
    """Cuts where a trailing byte would wrap around, so that every byte runs through one range."""
    for bits in (6, 12, 18):
        mask = (1 << bits) - 1
        if high > 0x7F and (low & ~mask) != (high & ~mask):
            if low & mask:
                yield from _split(low, low | mask)
                yield from _split((low | mask) + 1, high)
                return
            if high & mask != mask:
                yield from _split(low, (high & ~mask) - 1)
                yield from _split(high & ~mask, high)
                return
    yield list(zip(chr(low).encode(), chr(high).encode(), strict=True))
