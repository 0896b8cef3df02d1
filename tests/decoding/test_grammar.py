"""Text under a grammar: whole, of the grammar, and otherwise as the model would have it; schemas against real JSON."""

import json
import re

import numpy as np
import pytest
import torch

from lingon.core.errors import UserError
from lingon.data.tokenizers import bpe, characters, unigram, wordpiece, words
from lingon.data.tokenizers.token_bytes import token_bytes
from lingon.decoding import grammar as grammar_file
from lingon.decoding.automaton import compiled
from lingon.decoding.beam import beam_search
from lingon.decoding.beam_params import BeamParams
from lingon.decoding.decoder_protocol import start_sequences
from lingon.decoding.grammar import Grammar
from lingon.decoding.json_schema import schema_grammar
from lingon.decoding.prefill import read
from lingon.decoding.regex import parse
from lingon.decoding.sample import multinomial, sample
from tests.decoding.toy import Toy

TEXTS = ['The film is good, 12 of 30 say: "yes".', "a née café {in} Paris", "42 and 7, not 1999 nor 0.5"] * 3
KINDS = {
    "bpe": lambda: bpe(TEXTS, 300),
    "unigram": lambda: unigram(TEXTS, 300),
    "characters": lambda: characters(TEXTS),
    "words": lambda: words(TEXTS),
    "wordpiece": lambda: wordpiece(TEXTS, 90),
}


def lifted(pattern, tokenizer):
    pieces = token_bytes(tokenizer)
    return Grammar(compiled(parse(pattern) if isinstance(pattern, str) else pattern), pieces.by_id)


def generated(grammar, seed, most=24, eos_ids=(0,), count=3):
    """Ids that a random model gives under the grammar, without the end token."""
    toy, rows = Toy(len(grammar.pieces), seed, spread=2.0), start_sequences([[1]] * count, seed)
    over = lambda row: row.new_ids[-1] in eos_ids or len(row.new_ids) == most or grammar.complete(row.new_ids, most)
    for _ in sample(
        toy.step, *read(toy, [[1]] * count), rows, multinomial, [grammar.logits_processor(eos_ids, most)], over
    ):
        pass
    return [[i for i in row.new_ids if i not in eos_ids] for row in rows]


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_joined_are_what_the_tokenizer_decodes(kind):
    tokenizer = KINDS[kind]()
    pieces = token_bytes(tokenizer)
    for text in [*TEXTS, "never seen: 日本 😀!", "a  b"]:
        ids = tokenizer.encode(text)
        known = [i for i in ids if i > 1]  # [pad] and [unk] add nothing
        assert pieces.decode(known, first=True).decode() == tokenizer.decode(known)
    assert pieces.by_id[:2] == (b"", b"")
    assert pieces.prefix_space == (kind in ("words", "wordpiece"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "pattern", [" ?(12|30|1999|42)", " ?(film|good|not)( (film|good|not))*", " ?(a|is|of)?( [0-9]+){3}"]
)
def test_every_text_is_of_the_grammar_and_whole(kind, pattern):
    tokenizer = KINDS[kind]()
    grammar = lifted(pattern, tokenizer)
    for seed in range(3):
        for ids in generated(grammar, seed):
            text = token_bytes(tokenizer).decode(ids).decode()
            assert re.fullmatch(pattern, text), text
            assert grammar.accepts(ids)


def test_characters_of_several_bytes_are_whole():
    """The tokens are single bytes, so that a character takes up to four of them."""
    pieces = [b"", *(bytes([byte]) for byte in range(256))]
    grammar = Grammar(compiled(parse("[é-ü日😀-😎]{1,3}")), pieces)
    for seed in range(5):
        for ids in generated(grammar, seed, most=7):
            assert re.fullmatch("[é-ü日😀-😎]{1,3}", b"".join(pieces[i] for i in ids).decode())


def test_what_is_allowed_is_what_can_still_be_finished():
    """Against the slow way: a token may come when the text with it is the beginning of some text of the language."""
    pieces = [b"", b"a", b"b", b"ab", b"ba", b"aab", b"c", b"bc"]
    language = ["aab", "ab", "abab", "bbc"]
    grammar = Grammar(compiled(parse("|".join(language))), pieces)
    for text in ("", "a", "aa", "ab", "aba", "b", "bb"):
        tokens, _ = grammar.following(grammar.automaton.after(text.encode()))
        slow = [i for i, p in enumerate(pieces) if p and any(w.startswith(text + p.decode()) for w in language)]
        assert tokens.tolist() == slow


def test_tokens_that_lead_nowhere_are_not_taken():
    """No token writes the c of "ac", so that "a" is the beginning of a text which the vocabulary cannot finish."""
    grammar = Grammar(compiled(parse("ac|bd")), [b"", b"a", b"b", b"d"])
    assert grammar.allowed([]).tolist() == [2]
    with pytest.raises(UserError, match="no tokens of the vocabulary make a text of the grammar"):
        Grammar(compiled(parse("ac")), [b"", b"a", b"b", b"d"])


def test_the_budget_ends_a_text_in_time():
    tokenizer = KINDS["bpe"]()
    grammar = lifted(r'\{"a": "[a-z]*"\}', tokenizer)
    for most in (10, 12, 17):
        for ids in generated(grammar, seed=most, most=most):
            assert len(ids) <= most
            assert json.loads(tokenizer.decode(ids)).keys() == {"a"}


def test_a_budget_is_counted_in_tokens_where_bytes_are_too_many():
    grammar = Grammar(compiled(parse("a{6}b?")), [b"", b"a", b"b", b"aaa"])
    for most, wanted in ((2, {(3, 3)}), (3, {(3, 3), (3, 3, 2)})):
        found = {tuple(ids) for seed in range(20) for ids in generated(grammar, seed, most, count=1)}
        assert found == wanted
    with pytest.raises(UserError, match="the shortest text of the grammar has 2 tokens, 1 are allowed"):
        grammar.logits_processor((0,), 1)


def test_what_takes_too_long_to_count_in_tokens_says_how_many_are_enough(monkeypatch):
    built = Grammar(compiled(parse("a{6}b?")), [b"", b"a", b"b", b"aaa"])
    monkeypatch.setattr(grammar_file, "MAX_TOKEN_STEPS", 20)
    with pytest.raises(UserError, match="9 states, too many to try 4 tokens in each; allow 6 tokens or more"):
        built.logits_processor((0,), 2)
    built.logits_processor((0,), 6)


def test_a_text_that_may_go_on_ends_where_there_is_no_room_to():
    """Without an end token, "a" is the end when "abc" would be too long."""
    grammar = Grammar(compiled(parse("a(bc)?")), [b"", b"a", b"b", b"c"])
    assert generated(grammar, 1, most=2, eos_ids=()) == [[1]] * 3
    assert generated(grammar, 1, most=3, eos_ids=()) == [[1, 2, 3]] * 3


def test_probabilities_of_what_is_allowed_keep_their_ratios():
    grammar = Grammar(compiled(parse("[ab]c")), [b"", b"a", b"b", b"c"])
    logits = torch.randn(1, 4)
    found = grammar.logits_processor()(logits, start_sequences([[1]]))
    assert torch.equal(found[0, 1:3], logits[0, 1:3])
    assert torch.isneginf(found[0, [0, 3]]).all()


def test_beams_find_the_likeliest_text_of_the_grammar():
    pieces = [b"", b"a", b"b", b"ab", b"c"]
    grammar = Grammar(compiled(parse("a*b(a|c)")), pieces)
    for seed in range(10):
        toy = Toy(5, seed)
        logits, state = read(toy, [[1]])
        beams = BeamParams(125, 4, length_penalty=0.0, n=3)
        (found,) = beam_search(
            toy.step, logits, state, start_sequences([[1]]), beams, (0,), [grammar.logits_processor((0,))]
        )
        texts = {
            text: logprob
            for text, logprob in toy.texts([1], 4, (0,))
            if text[-1] == 0 and re.fullmatch("a*b(a|c)", b"".join(pieces[i] for i in text).decode())
        }
        ended = [hypothesis.ids for hypothesis in found if hypothesis.ended]
        assert ended == [t for t in sorted(texts, key=texts.get, reverse=True) if t in ended]
        assert max(texts, key=texts.get) in ended or len(ended) < 3


TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def valid(value, schema, root):
    """The words of JSON Schema, each as the standard tells it; independent of what builds grammars."""
    if isinstance(schema, bool):
        return schema
    if "$ref" in schema:
        target = root
        for part in schema["$ref"].split("/")[1:]:
            target = target[part]
        return valid(value, target, root)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    kinds = schema.get("type", [])
    named = [kinds] if isinstance(kinds, str) else kinds
    is_of = lambda k: (
        number and (k == "number" or value == int(value)) if k not in TYPES else isinstance(value, TYPES[k])
    )
    others = schema.get("additionalProperties", True)
    properties = schema.get("properties", {})
    words = [
        not named or any(map(is_of, named)),
        "const" not in schema or value == schema["const"],
        "enum" not in schema or value in schema["enum"],
        "anyOf" not in schema or any(valid(value, part, root) for part in schema["anyOf"]),
        "oneOf" not in schema or sum(valid(value, part, root) for part in schema["oneOf"]) == 1,
    ]
    if number:
        words.append(schema.get("minimum", value) <= value <= schema.get("maximum", value))
    if isinstance(value, str):
        words.append(schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)))
        words.append(re.search(schema.get("pattern", ""), value) is not None)
    if isinstance(value, list):
        words.append(schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)))
        words += [valid(item, schema.get("items", {}), root) for item in value]
    if isinstance(value, dict):
        words += [name in value for name in schema.get("required", [])]
        words += [valid(x, properties.get(k, others), root) for k, x in value.items()]
    return all(words)


SCHEMAS = {
    "an object": (
        {
            "type": "object",
            "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
            "required": ["name"],
        },
        ['{"name": "Ann"}', '{"name":"","age":-3}', '{"name": "\\n\\u00e9\\"", "age": 0}'],
        ['{"age": 3}', '{"name": 3}', '{"name": "a", "age": 01}', '{"name": "a" }', '{"name": "\n"}', "{}"],
    ),
    "all optional": (
        {"properties": {"a": {"const": 1}, "b": {"const": 2}, "c": {"const": 3}}},
        ["{}", '{"a": 1}', '{"b": 2}', '{"a": 1, "c": 3}', '{"a":1,"b":2,"c":3}'],
        ['{"b": 2, "a": 1}', '{, "a": 1}', '{"a": 1,}', '{"d": 1}'],
    ),
    "an array": (
        {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 3},
        ["[1]", "[1, -2.5e3]", "[0,0,0]"],
        ["[]", "[1, 2, 3, 4]", "[1 2]", "[.5]", "[1,]"],
    ),
    "no items": ({"type": "array", "items": {"type": "null"}, "maxItems": 0}, ["[]"], ["[null]"]),
    "a choice": (
        {"enum": ["red", "gr\u00fcn", 3, None, ["x"]]},
        ['"red"', '"grün"', "3", "null", '["x"]'],
        ["red", "4"],
    ),
    "one of two": ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, ["true", "null"], ["True", "0"]),
    "two types": ({"type": ["integer", "null"]}, ["7", "null"], ["7.5"]),
    "lengths": ({"type": "string", "minLength": 2, "maxLength": 3}, ['"ab"', '"é\\n日"'], ['"a"', '"abcd"']),
    "a pattern": ({"type": "string", "pattern": '^[a-c"\\\\]+-\\d$'}, ['"ab-1"', '"\\"\\\\-7"'], ['"-1"', '"a"b-1"']),
    "a range": ({"type": "integer", "minimum": -12, "maximum": 305}, ["-12", "0", "99", "305"], ["-13", "306", "007"]),
    "a reference": (
        {"$ref": "#/$defs/p", "$defs": {"p": {"type": "array", "items": {"$ref": "#/$defs/q"}}, "q": {"const": "x"}}},
        ["[]", '["x", "x"]'],
        ['["y"]'],
    ),
    "anything": ({}, ["1", '"a"', "[1, {}]", '{"a": [true]}', "null"], ["a", "[", '{"a": [[[1]]]}']),
    "any object": ({"type": "object"}, ["{}", '{"a": 1, "b": []}'], ["[]", "{a: 1}"]),
    "values of a type": (
        {"type": ["string", "integer"], "enum": ["a", 3, 2.5, None, 4.0]},
        ['"a"', "3", "4.0"],
        ["2.5", "null"],
    ),
    "one of several": ({"oneOf": [{"type": "null"}, {"type": "integer", "minimum": 3}]}, ["null", "3"], ["2"]),
    "an object of numbers": (
        {"type": "object", "additionalProperties": {"type": "integer"}},
        ["{}", '{"a": 1, "é": -2}'],
        ['{"a": "x"}'],
    ),
    "required last": (
        {"properties": {"a": {"const": 1}, "b": {"const": 2}, "c": {"const": 3}}, "required": ["b"]},
        ['{"b": 2}', '{"a": 1, "b": 2}', '{"b": 2, "c": 3}'],
        ["{}", '{"a": 1}', '{"a": 1, "c": 3}', '{, "b": 2}'],
    ),
    "an empty object": ({"type": "object", "additionalProperties": False}, ["{}"], ['{"a": 1}']),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_allows_what_it_says(name):
    schema, right, wrong = SCHEMAS[name]
    automaton = compiled(schema_grammar(schema))
    for text in right:
        assert automaton.accepts(text), text
        assert valid(json.loads(text), schema, schema)
    assert [text for text in wrong if automaton.accepts(text)] == []
    assert compiled(schema_grammar(json.dumps(schema))).accepts(right[0])


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_is_generated_is_json_of_the_schema(name):
    tokenizer = KINDS["bpe"]()
    grammar = lifted(schema_grammar(SCHEMAS[name][0]), tokenizer)
    for ids in generated(grammar, seed=3, most=60, count=2):
        assert valid(json.loads(tokenizer.decode(ids)), SCHEMAS[name][0], SCHEMAS[name][0])


WRONG = {
    "no JSON": ("{", "the schema is not JSON"),
    "a list": ([1], r"schema is \[1\], expected an object"),
    "a type": ({"type": "stringg"}, "unknown type 'stringg'; did you mean 'string'"),
    "a keyword": ({"type": "string", "contentEncoding": "base64"}, "unknown keyword 'contentEncoding'"),
    "a keyword of another type": ({"type": "string", "items": {}}, "unknown keyword 'items'"),
    "nested": ({"properties": {"a": {"type": "x"}}}, "schema.a: unknown type 'x'"),
    "no choice": ({"enum": []}, "key 'enum' is .*, expected a non-empty list"),
    "no such name": ({"$ref": "#/$defs/a"}, "does not exist in this schema"),
    "another file": ({"$ref": "other.json"}, "does not exist in this schema"),
    "without end": ({"type": "array", "items": {"$ref": "#"}}, "nested over 16 deep, or without end"),
    "a negative length": ({"type": "string", "minLength": -1}, "'minLength' is -1, expected a number from 0"),
    "no number": ({"type": "integer", "minimum": 5, "maximum": 3}, "minimum is 5 and maximum is 3"),
    "pattern and length": ({"type": "string", "pattern": "^a$", "minLength": 1}, "together with a length"),
    "required and unknown": ({"properties": {"a": {}}, "required": ["b"]}, "'b' is required and not among"),
    "required that is no list": ({"type": "object", "required": "a"}, "'required' is \"a\", expected a list of names"),
    "a length without a type": ({"minLength": 2}, "keyword 'minLength' without a 'type' is not supported"),
    "a length beside values": ({"type": "string", "enum": ["a"], "minLength": 2}, "'enum' together with 'minLength'"),
    "values of no type": ({"type": "string", "enum": [1, 2]}, "none of the values is of type string"),
    "either or both": ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "must be of different types here"),
    "NaN": ({"const": float("nan")}, "NaN is not a JSON number"),
    "a set": ({"enum": {1, 2}}, "the schema is not JSON"),
    "too many": (
        {
            "$ref": "#/$defs/0",
            "$defs": {str(i): {"properties": {c: {"$ref": f"#/$defs/{i + 1}"} for c in "abcdefgh"}} for i in range(6)}
            | {"6": {}},
        },
        "nested over 2,000 times",
    ),
    "two at once": ({"const": 1, "enum": [1]}, "'const' together with 'enum' is not supported"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_schema_is_refused_with_its_place(name):
    schema, message = WRONG[name]
    with pytest.raises(UserError, match=message):
        schema_grammar(schema)


def test_ranges_of_numbers_are_all_of_them():
    generator = np.random.default_rng(1)
    for _ in range(30):
        low, high = sorted(generator.integers(-150, 1200, 2).tolist())
        automaton = compiled(schema_grammar({"type": "integer", "minimum": low, "maximum": high}))
        assert [n for n in range(-200, 1300) if automaton.accepts(str(n))] == list(range(low, high + 1))


def test_what_is_allowed_does_not_depend_on_what_was_asked_before():
    """Every byte is a token, and so is "aa": with few tokens they are counted, with many the bytes are."""
    pieces = [b"", b"a", b"b", b"aa"]

    def asked(*order):
        built = Grammar(compiled(parse("(aa){4}b")), pieces)
        return {most: (built.logits_processor((0,), most), built.allowed([], most).tolist())[1] for most in order}

    assert asked(5, 9, 20) == asked(20, 9, 5) == asked(9, 5, 20)
    with pytest.raises(UserError, match="the shortest text of the grammar has 5 tokens, 4 are allowed"):
        asked(20, 4)
