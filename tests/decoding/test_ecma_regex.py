"""Patterns of JSON Schema against the texts that ECMA-262 says, and against Node.js where it is there."""

import json
import random
import shutil
import subprocess

import pytest

from lingon.core.errors import UserError
from lingon.decoding.automaton import compiled
from lingon.decoding.ecma_regex import parse_ecma

# Pattern: what it is found in, and what not. By hand, from the standard; Node.js checks the same below.
PATTERNS = {
    r"^\d{3}-\d{4}$": (["555-1234"], ["٥٥٥-١٢٣٤", "555-1234\n", "5555-1234", "555-12345"]),
    r"\d": (["a1b", "1"], ["٣", "", "ab"]),
    r"^\D$": (["٣", "a", "\n"], ["1"]),
    r"^\w+$": (["aZ_09"], ["é", "日", "a b", ""]),
    r"^\W$": (["é", "-"], ["_"]),
    r"^\s+$": (["\t\n\x0b\x0c\r \xa0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"], ["\x1c", "\x85"]),
    r"^\S$": (["\x1c", "\x85"], ["\ufeff", "\n"]),
    "^.$": (["a", "\x85", "\x0b", "😀"], ["\n", "\r", "\u2028", "\u2029", "", "ab"]),
    "b": (["b", "abc", "a\nb\nc"], ["", "ac"]),
    "": (["", "anything\n"], []),
    "^b": (["b", "bc", "b\n"], ["ab", "a\nb"]),
    "b$": (["b", "ab"], ["b\n", "b\nc", "bc"]),
    "^a|b$": (["a", "ax", "b", "xb"], ["xa", "bx", ""]),
    "(^|,)x(,|$)": (["x", "x,y", "y,x", "a,x,b"], ["xx", "ax", "x;"]),
    "^(?:a|b$)": (["a", "ac", "b"], ["bc", "ca"]),
    "(^a)?b": (["ab", "b", "cb", "cab"], ["a", ""]),
    "^^a$$": (["a"], ["aa", "ba"]),
    "^$": ([""], ["a", "\n"]),
    "[^]": (["a", "\n"], [""]),
    "^[]?$": ([""], ["a", "]"]),
    r"^[\]a-c-]+$": (["]abc-"], ["d"]),
    r"^[\b]$": (["\x08"], ["b"]),
    r"^[\d\-x]+$": (["1-x"], ["٣", "y"]),
    r"^[^\W\d]$": (["a", "_"], ["1", "é"]),
    r"^\cJ\cj\x41\u0041\u{41}\u{1F600}\uD83D\uDE00\0$": (["\n\nAAA😀😀\0"], ["J"]),
    r"^[\u{1F600}-\u{1F64F}]$": (["😎"], ["a", "😀😀"]),
    r"^\^\$\\\.\*\+\?\(\)\[\]\{\}\|\/$": (["^$\\.*+?()[]{}|/"], []),
    "^(?<year>[0-9]{4})(?:-[0-9]{2}){0,2}$": (["1999", "1999-12-31"], ["99", "1999-12-31-01"]),
    "^a{2,}?b*?c+?$": (["aac", "aaabbcc"], ["ac", "aab"]),
    r"^\p{Lu}\p{Ll}*\P{L}\p{gc=Nd}$": (["Éa-٣", "A 1"], ["ab-1", "Aa-x"]),
    "^/a b#-~&!%,:;<=>@`'\"_$": (["/a b#-~&!%,:;<=>@`'\"_"], []),
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_is_found_where_ecma_262_finds_it(pattern):
    automaton = compiled(parse_ecma(pattern))
    right, wrong = PATTERNS[pattern]
    assert [text for text in right if not automaton.accepts(text)] == []
    assert [text for text in wrong if automaton.accepts(text)] == []


PROGRAM = """
const read = require("fs").readFileSync(0, "utf8");
const found = JSON.parse(read).map(([pattern, texts]) => {
  try { const wanted = new RegExp(pattern, "u"); return texts.map(text => wanted.test(text)); } catch { return null; }
});
console.log(JSON.stringify(found));
"""


def by_node(cases):
    """What Node.js finds for (pattern, texts): a truth value a text, None for what is no pattern."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    done = subprocess.run([node, "-e", PROGRAM], input=json.dumps(cases), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def built(pattern):
    """The automaton of a pattern, or None and why there is none."""
    try:
        return compiled(parse_ecma(pattern)), ""
    except UserError as error:
        return None, str(error)


def random_pattern(rng, depth=3):
    if depth == 0 or rng.random() < 0.2:
        simple = ["a", "b", ",", ".", "[ab]", "[^a]", r"\w", r"\S", r"\d", "[b-é]", "[^]", "[]", r"\p{L}", "", "-"]
        return rng.choice([*simple, r"[\w\-]", r"[^\W_]", r"[\s\S]", "\\u0061", "😀", "[😀-😎]"])
    kind = rng.randrange(5)
    parts = [random_pattern(rng, depth - 1) for _ in range(rng.randint(1, 3))]
    if kind == 0:
        return rng.choice(["(", "(?:"]) + "|".join(parts) + ")"
    if kind == 1:
        return f"({parts[0]})" + rng.choice(["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "*?", "{,2}"])
    if kind == 2:
        return rng.choice(["^", "(^|,)", ""]) + "".join(parts) + rng.choice(["$", "(,|$)", ""])
    return "".join(parts)


@pytest.mark.parametrize("count", [150, pytest.param(600, marks=pytest.mark.long)])
def test_random_patterns_are_those_of_node(count):
    """What is accepted is the same for every text, and what Node.js refuses is refused."""
    rng = random.Random(11)
    alphabet = ["a", "b", ",", "é", "日", "1", "٣", "\n", "\u2028", "\x85", "-", "_", "😀", "😎"]
    patterns = [random_pattern(rng) for _ in range(count)]
    cases = [(p, ["".join(rng.choices(alphabet, k=rng.randrange(5))) for _ in range(25)]) for p in patterns]
    cases += [(p, [*right, *wrong]) for p, (right, wrong) in PATTERNS.items()]
    compared = accepted = 0
    for (pattern, texts), wanted in zip(cases, by_node(cases), strict=True):
        automaton, why = built(pattern)
        if automaton is None:
            nothing = "allows no text" in why and not any(wanted or [])
            assert wanted is None or nothing or "^ has an automaton only" in why or "repeated" in why, pattern
            continue
        assert wanted is not None, pattern
        assert [automaton.accepts(text) for text in texts] == wanted, (pattern, texts)
        compared, accepted = compared + len(texts), accepted + sum(wanted)
    assert compared > 10 * count
    assert compared // 6 < accepted < compared - compared // 6


def test_every_character_is_of_the_classes_that_node_says():
    """All of the first plane by \\d, \\w, \\s and the dot, and each of the ASCII letters as an escape."""
    points = [point for point in range(0x10000) if not 0xD800 <= point < 0xE000]
    classes = [r"^\d$", r"^\w$", r"^\s$", "^.$"]
    found = by_node([(pattern, [chr(point) for point in points]) for pattern in classes])
    for pattern, wanted in zip(classes, found, strict=True):
        automaton = compiled(parse_ecma(pattern))
        assert [automaton.accepts(chr(point)) for point in points] == wanted
    escapes = [f"^\\{chr(point)}$" for point in range(33, 127)] + [f"^[\\{chr(point)}]$" for point in range(33, 127)]
    texts = [chr(point) for point in range(256)]
    for pattern, wanted in zip(escapes, by_node([(p, texts) for p in escapes]), strict=True):
        automaton, _ = built(pattern)
        if automaton is None:
            assert wanted is None or pattern in (r"^\b$", r"^\B$"), pattern
        else:
            assert [automaton.accepts(text) for text in texts] == wanted, pattern


WRONG = {
    "a(?=b)": "character 4: a lookahead has no automaton",
    "(?!a)": "a lookahead",
    "(?<=a)b": "a lookbehind",
    "(?<!a)b": "a lookbehind",
    "(?i:a)": "flags and the like",
    "(?P<n>a)": "flags and the like",
    r"(a)\1": r"\\1 is a reference",
    r"(?<n>a)\k<n>": r"\\k is a reference",
    r"\bx": r"a set around it; a word boundary has none",
    r"x\B": r"\\B is a word boundary",
    r"\a": "no escape of ECMA-262",
    r"\-": "no escape of ECMA-262",
    r"\Z": "no escape of ECMA-262",
    r"\x4": r"\\x wants the hexadecimal digits",
    r"\u12": r"\\u wants the hexadecimal digits",
    r"\u{110000}": "is the last character",
    r"\c1": "wants a letter from A to Z",
    r"\01": "wants no digit",
    r"\p{Greek}": r"\\p\{Greek\} is not known here; general categories are",
    r"\p": r"\\p wants the name of a property",
    "a{,3}": r"\{ stands for itself only as",
    "a{": r"\{ stands for itself only as",
    "a]": r"\] stands for itself only as",
    "}": r"\} stands for itself only as",
    "*": r"\* stands for itself only as",
    "a**": "a repetition of a repetition",
    "a*+": "a repetition of a repetition",
    "^*": "a repetition of",
    "a{3,2}": "at least 3 times and at most 2",
    "a{%s}" % ("9" * 5000): "more than 1000 repetitions",
    "[b-a]": "ends before it begins",
    r"[\d-x]": "the hyphen itself is",
    "[a": r"a \[ without its \]",
    "(a": r"a \( without its \)",
    "a)": r"a \) without its \(",
    "a\\": r"a \\ at the end",
    "a^b": r"\^ has an automaton only at the beginning",
    "a$b": r"\$ only at the end",
    "(^a)*": "in something repeated",
    "(" * 60 + ")" * 60: "more than 50 groups",
    "a" * 60_000: "the pattern has 60,000 characters, expected 50,000 at most",
}


@pytest.mark.parametrize("pattern", WRONG)
def test_what_cannot_be_is_refused_with_its_place(pattern):
    with pytest.raises(UserError, match=WRONG[pattern]):
        parse_ecma(pattern)
