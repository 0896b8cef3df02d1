"""Automata of regular expressions accept what Python's `re` accepts, and refuse with a reason what they cannot be."""

import random
import re

import numpy as np
import pytest

from lingon.core.errors import UserError
from lingon.decoding import automaton
from lingon.decoding.automaton import compiled
from lingon.decoding.regex import parse
from lingon.decoding.utf8 import spans_of

PATTERNS = {
    "": ["", "a"],
    "abc": ["abc", "ab", "abcd", ""],
    "a|bc|": ["a", "bc", "", "abc"],
    "(a|b)*abb": ["abb", "babb", "aabb", "ab"],
    "^a+$|^b$": ["aa", "b", "", "ab"],
    "x{2,4}?y{3}": ["xxyyy", "xyyy", "xxxxyyy", "xxxxxyyy", "xxyy"],
    "x{,2}z{2,}": ["zz", "xxzzz", "xxxzz", "z"],
    "a{,}b{}": ["aab{}", "b{}", "ab"],
    "[a-c-]+[]x][^]y]": ["a-]z", "cx\n", "b]y", "a]]"],
    r"[\d.]+\w\s": ["3.1x ", "٣é\u2003", "3.1x", "x1 "],
    r"\D\W\S": ["a-b", "1-b", "aab", "é.é", "a b"],
    r"[^\W\d_]+": ["abc", "日本", "a1", "_"],
    r"\x41\u00e9\U0001f600\.\n\0": ["Aé😀.\n\0", "Aé😀x\n\0"],
    r"[\b\]\\^-]": ["\b", "]", "\\", "^", "-", "b"],
    ".": ["a", "\n", "é", "日", "😀", "\ud7ff", "\ue000", "ab"],
    "[é-ü日-本😀-😎]{2}": ["éü", "日😀", "😎本", "éa", "a"],
    "(?:ab)?(?P<n>c)": ["abc", "c", "ab"],
    "{a": ["{a", "a"],
    "a{x}{ b{1, 2}": ["a{x}{ b{1, 2}", "a"],
    r"\012\0x[\07]": ["\n\0x\x07", "\0", "\0" + "12"],
    r"[[a&&b~~|]+": ["[a&b", "~|", "d"],
    "(?P<é>ß|ﬁ)+": ["ßﬁ", "ss"],
    "(a*)*b": ["b", "aaab", "a"],
}


@pytest.mark.filterwarnings("ignore::FutureWarning")  # a [ inside a set, which means itself
@pytest.mark.parametrize("pattern", PATTERNS)
def test_an_automaton_accepts_what_re_accepts(pattern):
    found = compiled(parse(pattern))
    for text in PATTERNS[pattern]:
        assert found.accepts(text) == bool(re.fullmatch(pattern, text)), text


def random_pattern(rng, depth=3):
    if depth == 0 or rng.random() < 0.2:
        return rng.choice(["a", "b", "c", "é", "日", ".", "[ab]", "[^a]", r"\w", r"\S", "[b-é]", "[^日\\n]", ""])
    kind = rng.randrange(4)
    parts = [random_pattern(rng, depth - 1) for _ in range(rng.randint(1, 3))]
    if kind == 0:
        return "(" + "|".join(parts) + ")"
    if kind == 1:
        return f"({parts[0]})" + rng.choice(["*", "+", "?", "{2}", "{1,3}", "{,2}", "{2,}"])
    return "".join(parts)


def test_random_expressions_accept_what_re_accepts():
    rng = random.Random(5)
    accepted = 0
    for _ in range(80):
        pattern = random_pattern(rng)
        found = compiled(parse(pattern))
        for _ in range(40):
            text = "".join(rng.choices("abcé日\n", k=rng.randrange(6)))
            wanted = bool(re.fullmatch(pattern, text))
            accepted += wanted
            assert found.accepts(text) == wanted, (pattern, text)
    assert accepted > 250


def test_ranges_of_characters_are_all_their_bytes_and_no_others():
    rng = random.Random(3)
    edges = [0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xE000, 0xFFFF, 0x10000, 0x3FFFF, 0x10FFFF]
    for _ in range(200):
        low, high = sorted(rng.choices([*edges, rng.randrange(0xE000, 0x110000), rng.randrange(0xD800)], k=2))
        if low < 0xD800 <= high:
            continue  # surrogates are cut out before
        spans = spans_of(low, high)
        count = sum(int(np.prod([b - a + 1 for a, b in span])) for span in spans)
        assert count == high - low + 1
        for point in (low, high, (low + high) // 2):
            data = chr(point).encode()
            fits = [s for s in spans if len(s) == len(data) and all(a <= x <= b for x, (a, b) in zip(data, s))]  # noqa: B905
            assert len(fits) == 1


def test_an_automaton_is_the_smallest():
    """Two ways to write a language give the same table; a chain of n characters has n + 1 states and the dead one."""
    for one, other in (("(a|b)*", "([ab]*)*"), ("a(b|c)|d(b|c)", "[ad][bc]"), ("a+", "aa*")):
        assert np.array_equal(compiled(parse(one)).table, compiled(parse(other)).table)
    assert len(compiled(parse("a{7}")).table) == 9


def test_the_distance_is_that_of_the_shortest_text():
    found = compiled(parse("a{3}|bé"))
    assert found.distance[0] == 3
    assert found.distance[found.after(b"a")] == 2
    assert found.distance[found.after(b"aaa")] == 0
    assert found.after(b"c") == found.dead


WRONG = {
    "(a": r"character 2: a \( without its \)",
    "a)": r"character 1: a \) without its \(",
    "[a": r"a \[ without its \]",
    "[]": r"a \[ without its \]",
    "{2}a": r"\{ with nothing to repeat",
    "a|{2}": r"\{ with nothing to repeat",
    "(" * 60 + ")" * 60: "more than 50 groups inside each other",
    "*a": r"\* with nothing to repeat",
    "a**": "a repetition of a repetition",
    "a*+": "a repetition of a repetition",
    "a{3,2}": "at least 3 times and at most 2",
    "a{5000}": "more than 1000 repetitions",
    "[b-a]": "ends before it begins",
    r"[a-\d]": "a character at each end",
    r"(a)\1": r"\\1 is a boundary, a reference or unknown",
    r"\bx": r"\\b is a boundary",
    r"\x4": r"\\x wants 2 hexadecimal digits",
    "(?i)a": "flags, lookaround",
    "a(?=b)": "flags, lookaround",
    "a^b": r"\^ inside an expression",
    "(a$)b": r"\$ inside an expression",
    "a\\": r"a \\ at the end",
}


@pytest.mark.parametrize("pattern", WRONG)
def test_what_cannot_be_is_refused_with_its_place(pattern):
    with pytest.raises(UserError, match=WRONG[pattern]):
        parse(pattern)


def test_a_grammar_that_allows_nothing_or_too_much_is_refused(monkeypatch):
    with pytest.raises(UserError, match="the grammar allows no text at all"):
        compiled(parse(r"a[^\s\S]"))
    with pytest.raises(UserError, match="the grammar is too large"):
        compiled(parse("((a{100}){100}){100}"))
    monkeypatch.setattr(automaton, "MOST_STATES", 500)
    assert len(compiled(parse("[ab]*a[ab]{7}")).table) == 2**8 + 1  # each of the last letters counts
    with pytest.raises(UserError, match="the grammar is too large: over 500 states"):
        compiled(parse("[ab]*a[ab]{20}"))


def test_states_that_are_not_told_apart_in_time_are_left_apart(monkeypatch):
    """The same texts, by more states."""
    smallest = compiled(parse("(a|é){0,9}"))
    monkeypatch.setattr(automaton, "MAX_ROUNDS", 1)
    larger = compiled(parse("(a|é){0,9}"))
    for text in ("", "a", "éa" * 4, "a" * 9, "aé" * 5, "b", "ab"):
        assert larger.accepts(text) == smallest.accepts(text) == bool(re.fullmatch("(a|é){0,9}", text))
