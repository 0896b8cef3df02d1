"""Patterns against Python's `re`, schemas against Python's `json`, and text that keeps to them."""

import json
import random
import re

import pytest
import torch

from lingon.core.errors import UserError
from lingon.decoding.grammar import Grammar
from lingon.decoding.json_schema import pattern_of
from lingon.decoding.pattern import automaton, bytes_of
from lingon.decoding.rules import temperature
from lingon.decoding.sample import sampled, stream
from lingon.decoding.step import Row
from tests.decoding.toy import Toy

PATTERNS = [
    "abc", "a|b|", "(ab)*c", "a+b?c{2}", "a{0,2}b{1,}", "[a-c]+", "[^a]b", r"\d{2}\w\s", ".b.", "(a|bc){2,3}",
    "a*?b", "(?:a|(b|c)*)d", r"[\d\-c]+", "[]a]+", "é|[à-ü]+", "a{0}b", "(a?){3}", r"\x61\u0062",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_means_what_it_means_to_python(pattern):
    dice, built = random.Random(0), automaton(pattern)
    wanted = re.compile(pattern, re.ASCII)
    for _ in range(3000):
        text = "".join(dice.choice("abcd1-] \né") for _ in range(dice.randrange(7)))
        assert built.matches(text) == bool(wanted.fullmatch(text)), text


@pytest.mark.parametrize(("low", "high"), [(0, 0x10FFFF), (0x41, 0x800), (0x7F, 0xFFFF), (0x2345, 0x12345)])
def test_ranges_of_characters_are_just_these_in_utf8(low, high):
    parts, dice = list(bytes_of(low, high)), random.Random(0)
    for _ in range(5000):
        code = dice.choice([dice.randrange(0x110000), dice.randrange(0x3000)])
        if 0xD800 <= code <= 0xDFFF:
            continue
        data = chr(code).encode()
        found = sum(
            len(part) == len(data) and all(a <= b <= c for (a, c), b in zip(part, data, strict=True)) for part in parts
        )
        assert found == (low <= code <= high)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("a)", r"a '\)' without its"),
        ("(a", r"a '\(' without its"),
        ("a**", "two repeats"),
        ("*a", "repeats nothing"),
        ("^a", "needs no anchors"),
        ("(?=a)", "looking around"),
        ("[b-a]", "runs backwards"),
        ("[ab", "ends too early"),
        ("a{1001}", "more than 1000 times"),
        ("\\q", r"\\q is not understood"),
        ("((((a{999}){999}){999}){999})", "more than 200,000 states"),
    ],
)
def test_what_is_no_pattern_is_said_where(pattern, message):
    with pytest.raises(UserError, match=message):
        automaton(pattern)


PIECES = [b"a", b"b", b"ab", "é".encode(), "é".encode()[:1], "é".encode()[1:], b"", None, b"<end>"]


def written(pattern: str, seed: int) -> str:
    grammar, toy = Grammar(automaton(pattern), PIECES, ends=[8]), Toy(len(PIECES), seed)
    row = Row([0], 1, random.Random(seed))
    finished = lambda row: row.ids[-1] == 8 or grammar.whole(row) or len(row.new) > 40
    logits, state = toy(torch.tensor([[0]]), toy.fresh(1))
    for _ in stream(toy, logits, state, [row], sampled, [grammar.rule, temperature(2.0)], finished):
        pass
    return b"".join(PIECES[i] for i in row.new if i != 8).decode()


@pytest.mark.parametrize(("pattern", "kinds"), [("(ab)+", 2), ("a{3}", 1), ("[^a]{2,4}", 5), ("(a|é){5}b", 5)])
def test_what_is_written_matches(pattern, kinds):
    texts = {written(pattern, seed) for seed in range(30)}
    assert all(re.fullmatch(pattern, text) for text in texts)
    assert len(texts) >= kinds


def test_a_grammar_that_allows_nothing_is_told():
    with pytest.raises(UserError, match="after 0 new tokens the rules leave no token"):
        written("c+", 0)


SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 5},
        "age": {"type": "integer"},
        "tags": {"type": "array", "items": {"enum": ["a", "b c", 3, None]}, "maxItems": 3},
        "ok": {"type": ["boolean", "null"]},
    },
    "required": ["age"],
}


def test_a_schema_lets_its_json_pass_and_no_other():
    built = automaton(pattern_of(SCHEMA))
    right = [
        {"name": "x", "age": 3, "tags": [], "ok": None},
        {"age": -7},
        {"age": 0, "tags": ["a", 3, None]},
        {"name": 'q"\\é', "age": 12, "ok": False},
    ]
    wrong = [{}, {"age": 1.5}, {"age": "3"}, {"name": "toolong", "age": 1}, {"age": 3, "tags": [4]}, {"ok": True}, [3]]
    for value in right:
        for text in (
            json.dumps(value),
            json.dumps(value, separators=(",", ":")),
            json.dumps(value, ensure_ascii=False),
        ):
            assert built.matches(text)
    for value in wrong:
        assert not built.matches(json.dumps(value))
    assert not built.matches('{"age": 01}')


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({}, "allows anything"),
        ({"type": "objekt"}, "did you mean 'object'"),
        ({"type": "integer", "minimum": 3}, "keyword of the schema 'minimum'"),
        ({"type": "array"}, "needs 'items'"),
        ({"type": "object"}, "needs 'properties'"),
        ({"enum": []}, "a list with something"),
        ([], "a schema is an object"),
    ],
)
def test_schemas_that_cannot_be_kept_are_refused(schema, message):
    with pytest.raises(UserError, match=message):
        pattern_of(schema)
