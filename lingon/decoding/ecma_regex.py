"""Patterns of JSON Schema: regular expressions of ECMA-262 with the `u` flag, as trees of the whole texts they accept.

They differ from Python's: digits, word characters and white space are fixed sets, the dot excludes four characters, []
matches nothing and [^] anything, {,3} and unknown escapes are errors. A pattern may match anywhere in a text, so that
any text may precede and follow it, unless ^ and $ exclude that. Source: ECMA-262, 2025, section 22.2.
"""

import re

from lingon.core.errors import UserError
from lingon.decoding.pattern_reader import PatternReader
from lingon.decoding.regex import (
    MAX_PATTERN_LENGTH,
    NOTHING,
    Alternation,
    CharacterClass,
    Concatenation,
    Pattern,
    Ranges,
    Repetition,
    repetition_count,
    union,
    without,
)
from lingon.decoding.unicode_property import property_of

START, END = CharacterClass(((-1, -1),)), CharacterClass(((-2, -2),))  # ^ and $, until `without_anchors` removes them
FREE = Repetition(CharacterClass(without(())), 0, None)  # any text
DIGIT: Ranges = ((0x30, 0x39),)
WORD = union([(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)])
LINE_ENDS = [(0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)]
BLANK = [(0x09, 0x09), (0x0B, 0x0C), (0x20, 0x20), (0xA0, 0xA0), (0xFEFF, 0xFEFF)]
SEPARATORS = [(0x1680, 0x1680), (0x2000, 0x200A), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000)]
CLASSES = {"d": DIGIT, "w": WORD, "s": union([*LINE_ENDS, *BLANK, *SEPARATORS])}
CLASSES |= {name.upper(): without(ranges) for name, ranges in CLASSES.items()}
ANY = without(union(LINE_ENDS))
SIGNS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
SYNTAX = "^$\\.*+?()[]{}|/"
AROUND = {"=": "lookahead", "!": "lookahead", "<=": "lookbehind", "<!": "lookbehind"}


def parse_ecma(pattern: str) -> Pattern:
    """Return the tree of all texts that contain a match of the pattern.

    Raises UserError, with the position, for what is not a valid pattern with the `u` flag or cannot be compiled to an
    automaton: backreferences, lookahead and lookbehind, word boundaries, flags; ^ anywhere but at the start and $
    anywhere but at the end, of the pattern or of one of its alternatives.
    """
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise UserError(f"the pattern has {len(pattern):,} characters, expected {MAX_PATTERN_LENGTH:,} at most")
    reader = _Reader(pattern)
    return reader.without_anchors(reader.parse(), True, True)


class _Reader(PatternReader):
    kind = "pattern"

    def alternatives(self) -> Pattern:
        parts = [self.sequence()]
        while self.accept("|"):
            parts.append(self.sequence())
        return parts[0] if len(parts) == 1 else Alternation(tuple(parts))

    def sequence(self) -> Pattern:
        parts = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self.repeated())
        return parts[0] if len(parts) == 1 else Concatenation(tuple(parts))

    def repeated(self) -> Pattern:
        part = self.one()
        bounds = self.bounds()
        if bounds is None:
            return part
        least, most = bounds
        if part in (START, END):
            raise self.error("a repetition of ^ or $")
        self.check_bounds(least, most)
        self.accept("?")  # a lazy repetition matches the same texts
        if self.bounds() is not None:
            raise self.error("a repetition of a repetition; put the first into ( )")
        return Repetition(part, least, most)

    def bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self.accept(sign):
                return bounds
        found = re.compile(r"\{([0-9]+)(,?)([0-9]*)\}").match(self.text, self.at)
        if not found or (found[3] and not found[2]):
            return None
        self.at = found.end()
        least = repetition_count(found[1])
        return least, (repetition_count(found[3]) if found[3] else None) if found[2] else least

    def one(self) -> Pattern:
        sign = self.text[self.at]
        if sign in "*+?{}]":
            raise self.error(f"{sign} stands for itself only as \\{sign}; a repetition is of something, as a{{2,3}}")
        self.at += 1
        if sign == "^":
            return START
        if sign == "$":
            return END
        if sign == "(":
            return self.group()
        if sign == "[":
            return CharacterClass(self.set())
        if sign == ".":
            return CharacterClass(ANY)
        return CharacterClass(self.escape(inside=False) if sign == "\\" else ((ord(sign),) * 2,))

    def group(self) -> Pattern:
        if self.accept("?"):
            for sign, name in AROUND.items():
                if self.accept(sign):
                    raise self.error(f"a {name} has no automaton here; say what is there, not what is around it")
            if opened := re.compile(r"<[^\W\d][\w$]*>|<[$][\w$]*>|:").match(self.text, self.at):
                self.at = opened.end()
            else:
                raise self.error("flags and the like have no automaton here; (?: ) and (?<name> ) have")
        return self.inside_group()

    def set(self) -> Ranges:
        outside = self.accept("^")
        ranges: list[tuple[int, int]] = []
        while not self.accept("]"):
            ranges += self.span()
        found = union(ranges)
        return without(found) if outside else found

    def span(self) -> Ranges:
        """Return one member of a [set]: a character, a range or a character class."""
        low, single = self.member()
        if not (self.text.startswith("-", self.at) and self.text[self.at + 1 : self.at + 2] not in ("", "]")):
            return low
        self.at += 1
        high, also = self.member()
        if not (single and also):
            raise self.error("a range needs a character at each end; the hyphen itself is \\-")
        if low[0][0] > high[0][0]:
            raise self.error("a range that ends before it begins")
        return ((low[0][0], high[0][0]),)

    def member(self) -> tuple[Ranges, bool]:
        """Return characters, and whether they are a single literal character."""
        if self.at >= len(self.text):
            raise self.error("a [ without its ]")
        self.at += 1
        if self.text[self.at - 1] != "\\":
            return ((ord(self.text[self.at - 1]),) * 2,), True
        several = self.text[self.at : self.at + 1] in [*CLASSES, "p", "P"]
        return self.escape(inside=True), not several

    def escape(self, inside: bool) -> Ranges:
        if self.at >= len(self.text):
            raise self.error("a \\ at the end")
        sign = self.text[self.at]
        self.at += 1
        if sign in CLASSES:
            return CLASSES[sign]
        if sign in "pP":
            return self.property(sign)
        if sign in "xucb0":
            return ((self.code(sign, inside),) * 2,)
        if sign in SIGNS:
            return ((SIGNS[sign],) * 2,)
        if sign in SYNTAX or (inside and sign == "-"):
            return ((ord(sign),) * 2,)
        known = {"b": "a word boundary", "B": "a word boundary", "k": "a reference"}
        what = "a reference" if sign in "123456789" else known.get(sign, "no escape of ECMA-262 with the u flag")
        raise self.error(f"\\{sign} is {what}, and has no automaton")

    def code(self, sign: str, inside: bool) -> int:
        r"""Return the code point of \x41, \u0041, \u{41}, \cA, \0 and, in a set, \b."""
        if sign == "b" and inside:
            return 8
        forms = {"x": r"([0-9a-fA-F]{2})", "u": r"([0-9a-fA-F]{4})|\{0*([0-9a-fA-F]{1,6})\}", "c": r"([A-Za-z])"}
        found = re.compile(forms.get(sign, "(?![0-9])" if sign == "0" else "(?!)")).match(self.text, self.at)
        if not found:
            expected = {"c": "a letter from A to Z", "0": "no digit", "b": "a set around it; a word boundary has none"}
            raise self.error(f"\\{sign} wants {expected.get(sign, 'the hexadecimal digits of a character')}")
        self.at = found.end()
        if sign == "0":
            return 0
        if sign == "c":
            return ord(found[1]) % 32
        point = int(next(filter(None, found.groups())), 16)
        if point > 0x10FFFF:
            raise self.error("\\u{10FFFF} is the last character")
        second = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})").match(self.text, self.at)
        if sign == "u" and found[1] and 0xD800 <= point < 0xDC00 and second:  # a surrogate pair
            self.at = second.end()
            return 0x10000 + ((point - 0xD800) << 10) + int(second[1], 16) - 0xDC00
        return point

    def property(self, sign: str) -> Ranges:
        found = re.compile(r"\{([\w=]{1,60})\}").match(self.text, self.at)
        if not found:
            raise self.error(f"\\{sign} wants the name of a property, as \\p{{L}}")
        self.at = found.end()
        ranges = property_of(found[1])
        if ranges is None:
            raise self.error(
                f"\\{sign}{{{found[1]}}} is not known here; general categories are, as \\p{{L}}, \\p{{Nd}}"
            )
        return without(ranges) if sign == "P" else ranges

    def without_anchors(self, node: Pattern, left: bool, right: bool) -> Pattern:
        """Return the tree without ^ and $. left, right: any text may precede, follow it unless an anchor forbids it."""
        if not _anchored(node):
            return Concatenation((*[FREE] * left, node, *[FREE] * right)) if left or right else node
        if isinstance(node, Alternation):
            return Alternation(tuple(self.without_anchors(part, left, right) for part in node.parts))
        if isinstance(node, Repetition):
            if (node.least, node.most) == (0, 1):
                return self.without_anchors(Alternation((node.part, NOTHING)), left, right)
            raise self.error("^ or $ in something repeated has no automaton here")
        parts = list(node.parts) if isinstance(node, Concatenation) else [node]
        opened = next((i for i, part in enumerate(parts) if part != START), len(parts)) if left else 0
        parts = parts[opened:]
        closed = next((i for i, part in enumerate(parts[::-1]) if part != END), len(parts)) if right else 0
        parts = parts[: len(parts) - closed]
        before, after = left and not opened, right and not closed
        if not parts:
            return FREE if before or after else NOTHING
        if {START, END}.intersection(parts):
            raise self.error("^ has an automaton only at the beginning, $ only at the end, of it or an alternative")
        if len(parts) == 1:
            return self.without_anchors(parts[0], before, after)
        middle = [self.without_anchors(part, False, False) for part in parts[1:-1]]
        return Concatenation(
            (self.without_anchors(parts[0], before, False), *middle, self.without_anchors(parts[-1], False, after))
        )


def _anchored(node: Pattern) -> bool:
    """Return whether a pattern contains ^ or $."""
    if isinstance(node, Alternation | Concatenation):
        return any(map(_anchored, node.parts))
    return _anchored(node.part) if isinstance(node, Repetition) else node in (START, END)
