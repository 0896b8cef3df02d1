"""The words of JSON Schema against the package jsonschema, both ways: what an automaton writes is valid, and what is
valid among many texts an automaton accepts."""

import datetime
import ipaddress
import itertools
import json
import random
import re
import urllib.parse
import uuid

import numpy as np
import pytest

from lingon.core.errors import UserError
from lingon.decoding.automaton import compiled
from lingon.decoding.json_schema import schema_grammar
from tests.decoding.test_ecma_regex import by_node

jsonschema = pytest.importorskip("jsonschema")


VALIDATORS = {}
SIZES = [*range(40), 97, 98, 99, 100, 101, 139, 140, 141, 200, 300, 301, 693, 700, 998, 999, 1000, 1001, 1002]


def members(automaton, count, seed=0, length=40):
    """Random texts of an automaton: bytes that lead on, and from `length` bytes on only those that lead to an end."""
    rng = random.Random(seed)
    for _ in range(count):
        state, text = 0, bytearray()
        while not (automaton.accepting[state] and (rng.random() < 0.3 or len(text) >= length)):
            after = automaton.table[state]
            near = automaton.distance[after] < automaton.distance[state] if len(text) >= length else after >= 0
            kinds = np.flatnonzero((after != automaton.dead) & near)
            if not len(kinds):
                break  # the end, and nothing may follow
            kind = rng.choice(kinds.tolist())
            byte = rng.choice(np.flatnonzero(automaton.classes == kind).tolist())
            text.append(byte)
            state = int(after[kind])
        yield text.decode()


def valid(schema, text):
    return VALIDATORS.setdefault(json.dumps(schema), jsonschema.Draft202012Validator(schema)).is_valid(json.loads(text))


NUMBERS = [
    {"type": "number", "minimum": 0},
    {"type": "number", "minimum": -1.5, "maximum": 2.25},
    {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    {"type": "number", "exclusiveMinimum": -0.5, "exclusiveMaximum": 0.5},
    {"type": "number", "exclusiveMaximum": -7.25},
    {"type": "number", "minimum": 12.3, "maximum": 12.37},
    {"type": "number", "minimum": 5, "maximum": 5},
    {"type": "number", "minimum": 1, "exclusiveMinimum": 1, "maximum": 1e308},
    {"type": "number", "multipleOf": 3, "minimum": -9, "maximum": 99.5},
    {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 140},
    {"type": "integer", "minimum": -2.5, "maximum": 99.9},
    {"type": "integer", "exclusiveMinimum": -12.5},
    {"type": "integer", "maximum": 17},
    {"type": "integer", "multipleOf": 7, "minimum": -50, "exclusiveMaximum": 700},
    {"type": "integer", "multipleOf": 100, "minimum": -300},
    {"type": "integer", "multipleOf": 10.0},
    {"allOf": [{"type": "number", "minimum": 1}, {"type": "integer", "maximum": 30}, {"minimum": 3.5}]},
    {"type": ["integer", "null"], "minimum": 998, "maximum": 1001},
]


@pytest.mark.parametrize("schema", NUMBERS, ids=json.dumps)
def test_numbers_are_those_within_the_bounds(schema):
    automaton = compiled(schema_grammar(schema))
    for text in members(automaton, 100):
        assert valid(schema, text), text
    whole = "integer" in json.dumps(schema) or "multipleOf" in schema
    fractions = (
        [""] if whole else ["", ".0", ".5", ".25", ".3", ".31", ".37", ".370", ".371", ".249", ".251", ".000001"]
    )
    for sign, size, fraction in itertools.product(("", "-"), SIZES, fractions):
        text = f"{sign}{size}{fraction}"
        if not (sign and float(text) == 0):  # zero has no sign here
            assert automaton.accepts(text) == valid(schema, text), text


def test_what_is_beyond_an_exclusive_bound_stays_beyond_it_as_a_float():
    schema = {"type": "number", "exclusiveMinimum": 0.1, "exclusiveMaximum": 0.3}
    automaton = compiled(schema_grammar(schema))
    for text, wanted in {
        "0.1": False,
        "0.10000000000001": True,
        "0.1000000000000000001": False,  # the float 0.1
        "0.3": False,
        "0.29999999999999": True,
        "0.2999999999999999999": False,
    }.items():
        assert automaton.accepts(text) == wanted
        assert wanted is False or valid(schema, text)


def json_texts():
    """Many small JSON texts, in the one way that grammars here write them."""
    scalars = ["0", "1", "2", "7", "-3", "2.5", '"a"', '"b"', '"abc"', '"aé"', '""', "true", "null"]
    arrays = [
        f"[{', '.join(parts)}]" for n in range(4) for parts in itertools.product(["1", "2.5", '"a"', "null"], repeat=n)
    ]
    pairs = [[f'"{name}": {x}' for x in ["1", "7", '"a"', '"abc"', "null"]] for name in "abc"]
    objects = []
    for chosen in itertools.product(*([None, *options] for options in pairs)):
        objects.append("{" + ", ".join(pair for pair in chosen if pair) + "}")
    return scalars + arrays + objects


TEXT = {"type": "string"}
A_B = {"type": "object", "properties": {"a": {"type": "integer"}, "b": TEXT}, "additionalProperties": False}
SCHEMAS = {
    "a row": {"type": "array", "prefixItems": [{"type": "integer"}, TEXT], "items": False},
    "a row and more": {"type": "array", "prefixItems": [{"type": "number"}], "items": {"type": "null"}},
    "a reference into a list": {"type": "array", "prefixItems": [TEXT, {"$ref": "#/prefixItems/0"}], "items": False},
    "a row of a size": {"type": "array", "prefixItems": [{"type": "number"}, TEXT], "items": False, "minItems": 2},
    "a row and two more": {"prefixItems": [TEXT], "items": {"enum": [1, None]}, "type": "array", "maxItems": 3},
    "a row and at least two": {"type": "array", "prefixItems": [TEXT], "items": {"enum": [1, None]}, "minItems": 2},
    "a row without end": {"type": "array", "prefixItems": [TEXT, TEXT], "items": TEXT, "minItems": 1, "maxItems": 1},
    "no items": {"type": "array", "items": False},
    "all of bounds": {"allOf": [{"type": "integer", "minimum": 1}, {"maximum": 5}], "minimum": 0},
    "all of lengths": {"type": "string", "allOf": [{"minLength": 1}, {"maxLength": 2}]},
    "all of types": {"allOf": [{"type": ["number", "string"]}, {"type": ["null", "integer"]}]},
    "all of objects": {
        "allOf": [
            {"type": "object", "properties": {"a": {"minimum": 2, "type": "number"}}, "required": ["a"]},
            {"properties": {"a": {"type": "integer"}, "b": TEXT}},
        ],
        "additionalProperties": True,
        "properties": {"c": {"type": "null"}},
    },
    "closed and open": {"allOf": [A_B, {"properties": {"b": {"maxLength": 1, **TEXT}, "c": {"type": "null"}}}]},
    "values": {"allOf": [{"enum": [1, "a", True, None]}, {"enum": ["a", 1.0, None, 7]}]},
    "a value of values": {"allOf": [{"enum": [1, "a"]}, {"const": "a"}]},
    "a reference and more": {"$defs": {"t": TEXT}, "$ref": "#/$defs/t", "minLength": 2},
    "references": {
        "$defs": {"t": TEXT, "l": {"maxLength": 1}},
        "allOf": [{"$ref": "#/$defs/t"}, {"$ref": "#/$defs/l"}],
    },
    "one or the other": {**A_B, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
    "either form": {
        "type": "object",
        "oneOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]}],
        "additionalProperties": False,
        "properties": {"a": True},
    },
    "items twice": {"type": "array", "items": {"type": "number"}, "allOf": [{"items": {"maximum": 2}, "minItems": 1}]},
    "forbidden": {"type": "object", "properties": {"a": False, "b": TEXT}, "additionalProperties": False},
    "all of nothing said": {"allOf": [True, {"type": "null"}, {}]},
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_what_jsonschema_makes_of_it(name):
    schema = SCHEMAS[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    automaton = compiled(schema_grammar(schema))
    for text in members(automaton, 100):
        assert valid(schema, text), text
    texts = json_texts()
    found = {text for text in texts if automaton.accepts(text)}
    wanted = {text for text in texts if valid(schema, text)}
    known = set(re.findall(r'"([abc])"', json.dumps(schema)))
    unnamed = {text for text in wanted - found if set(re.findall(r'"([abc])":', text)) - known}
    assert found == wanted - unnamed
    assert found


PATTERNS = [
    r"^\d{3}-\d{4}$",
    r"\d",
    "a+",
    "^[A-Z]",
    r"\s$",
    "^a|b$",
    r'^["\\/\n]+$',
    "^.{2}$",
    r"\p{Lu}",
    "",
    "^[^]{1,3}$",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_texts_of_a_pattern_are_those_of_node(pattern):
    """Also those with what JSON writes in another way, and none of the digits of other scripts."""
    automaton = compiled(schema_grammar({"type": "string", "pattern": pattern}))
    texts = [json.loads(text) for text in members(automaton, 200)]
    ((*found,),) = by_node([(pattern, texts)])
    assert all(found)
    assert len(set(texts)) > 5
    alphabet = ["a", "b", "A", "1", "٣", "\n", '"', "\\", "é", "-", "\u2028", " "]
    texts = ["".join(letters) for n in range(4) for letters in itertools.product(alphabet, repeat=n)] + ["555-1234"]
    ((*found,),) = by_node([(pattern, texts)])
    assert [automaton.accepts(json.dumps(text, ensure_ascii=False)) for text in texts] == found


def iso(text, kind):
    """Whether Python reads a date or a time of RFC 3339."""
    try:
        kind.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_host(text):
    labels = text.split(".")
    return len(text) <= 253 and all(re.fullmatch("(?!-)[A-Za-z0-9-]{1,63}(?<!-)", label) for label in labels)


def is_uri(text):
    """RFC 3986 by Python's parser, its characters by the list of the RFC."""
    parts = urllib.parse.urlsplit(text)
    plain = re.fullmatch(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-F]{2})+", text) is not None
    reached = bool(parts.hostname and (parts.port is None or parts.port < 65536)) if "://" in text else bool(parts.path)
    return plain and bool(parts.scheme) and reached


FORMATS = {
    "date": lambda text: len(text) == 10 and iso(text, datetime.date),
    "time": lambda text: iso(text, datetime.time) and text[8] in ".Z+-",
    "date-time": lambda text: iso(text, datetime.datetime) and text[10] == "T",
    "email": lambda text: text.count("@") == 1 and len(text.split("@")[0]) <= 64 and is_host(text.split("@")[1]),
    "hostname": is_host,
    "ipv4": lambda text: str(ipaddress.IPv4Address(text)) == text,
    "uuid": lambda text: str(uuid.UUID(text)) == text.lower(),
    "uri": is_uri,
}
RIGHT = {
    "date": ["2024-02-29", "2000-02-29", "1999-12-31"],
    "time": ["23:59:59Z", "00:00:00.123+05:30"],
    "date-time": ["2024-02-29T08:30:06.283185Z", "1990-12-31T15:59:59-08:00"],
    "email": ["ann@example.org", "a.b+c@mail.example.co"],
    "hostname": ["example.org", "a-b.example.com"],
    "ipv4": ["0.0.0.0", "192.168.1.255"],
    "uuid": ["2eb8aa08-aa98-11ea-b4aa-73b441d16380"],
    "uri": ["https://example.org/a/b?x=1&y=%20#top", "http://10.0.0.1:8080/", "mailto:ann@example.org", "urn:isbn:045"],
}
WRONG_OF_FORMAT = {
    "date": ["2023-02-29", "1900-02-29", "2024-13-01", "2024-04-31", "24-01-01", "0000-01-01", "٢٠٢٤-01-01"],
    "time": ["24:00:00Z", "12:60:00Z", "12:00Z", "12:00:00"],
    "date-time": ["2024-02-29 08:30:06Z", "2023-02-29T08:30:06Z", "2024-02-28T08:30:06"],
    "email": ["ann", "ann@", "@example.org", "a b@example.org", ".a@example.org", "a..b@example.org"],
    "hostname": ["-a.org", "a-.org", "a..org", "a_b.org"],
    "ipv4": ["256.0.0.1", "1.2.3", "01.2.3.4", "1.2.3.4.5"],
    "uuid": ["2eb8aa08-aa98-11ea-b4aa-73b441d1638", "2eb8aa08aa9811eab4aa73b441d16380", "g" * 36],
    "uri": ["example.org", "//example.org", "http://", "http://a b.org", "http://example.org/%zz"],
}


@pytest.mark.parametrize("name", FORMATS)
def test_texts_of_a_format_are_of_it(name):
    automaton = compiled(schema_grammar({"type": "string", "format": name}))
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    for text in [json.loads(text) for text in members(automaton, 300, length=70)] + RIGHT[name]:
        assert FORMATS[name](text), text
        assert checker.conforms(text, name), text
    assert [text for text in RIGHT[name] if not automaton.accepts(f'"{text}"')] == []
    assert [text for text in WRONG_OF_FORMAT[name] if automaton.accepts(f'"{text}"')] == []


def test_every_day_there_is_and_no_other_is_a_date():
    automaton = compiled(schema_grammar({"type": "string", "format": "date"}))
    for year, month, day in itertools.product((1, 4, 100, 400, 1900, 1999, 2000, 2024, 9999), range(14), range(33)):
        text = f"{year:04}-{month:02}-{day:02}"
        assert automaton.accepts(f'"{text}"') == iso(text, datetime.date), text


WRONG = {
    "a format": ({"type": "string", "format": "ipv6"}, "unknown format 'ipv6'; .*others are not supported here"),
    "format and pattern": ({"type": "string", "format": "date", "pattern": "a"}, "'pattern' together with 'format'"),
    "format and length": ({"type": "string", "format": "date", "maxLength": 3}, "'format' together with a length"),
    "a lookahead": ({"type": "string", "pattern": "^(?=a)"}, "schema: pattern .*: a lookahead has no automaton"),
    "patterns": (
        {"allOf": [{"type": "string", "pattern": "a"}, {"pattern": "b"}]},
        "two different 'pattern' at once cannot be merged",
    ),
    "choices": ({"allOf": [{"anyOf": [{"type": "null"}]}, {"anyOf": [TEXT]}]}, "two different 'anyOf' at once"),
    "types apart": ({"allOf": [TEXT, {"type": "null"}]}, "'type' is string and null, which cannot be merged"),
    "rows": (
        {"allOf": [{"type": "array", "prefixItems": [TEXT]}, {"items": TEXT}]},
        "'prefixItems' and the items of another part cannot be merged",
    ),
    "a fraction": ({"type": "number", "multipleOf": 0.01}, "'multipleOf' is 0.01; only whole numbers are supported"),
    "multiples without bounds": ({"type": "integer", "multipleOf": 7}, "'multipleOf' 7 has an automaton only with"),
    "no multiple": (
        {"type": "integer", "multipleOf": 7, "minimum": 1, "maximum": 6},
        "multipleOf is 7, which nothing can be",
    ),
    "multiples of nothing": ({"type": "integer", "multipleOf": 0}, "'multipleOf' is 0, expected a whole number over 0"),
    "a bound of draft 4": (
        {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
        "'exclusiveMinimum' is true, expected a number",
    ),
    "no number between": (
        {"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 1},
        "exclusiveMinimum is 1 and exclusiveMaximum is 1, which nothing can be",
    ),
    "too fine": (
        {"type": "number", "exclusiveMinimum": 0, "maximum": 1e-300},
        "which nothing can be of at most 15 digits, 14 after",
    ),
    "a bound that is infinite": ('{"type": "number", "maximum": 1e400}', "1e400 is larger than any float"),
    "a value that is infinite": ('{"const": 1e400}', "1e400 is larger than any float"),
    "required and forbidden": (
        {"properties": {"a": False}, "required": ["a"]},
        "'a' is required, and no value of it is allowed",
    ),
    "too few items": ({"type": "array", "prefixItems": [TEXT], "minItems": 2}, "minItems is 2, and 'items' says of no"),
    "no row": ({"type": "array", "prefixItems": []}, "'prefixItems' is \\[\\], expected a non-empty list"),
    "around": ({"allOf": [{"$ref": "#/allOf/0"}]}, "\\$ref is circular"),
    "no such item": ({"allOf": [{"$ref": "#/allOf/1"}]}, "'#/allOf/1' does not exist"),
    "not": ({"not": {"type": "null"}}, "unknown keyword 'not'"),
    "unlike items": ({"type": "array", "uniqueItems": True}, "unknown keyword 'uniqueItems'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_has_no_automaton_is_refused_by_name(name):
    schema, message = WRONG[name]
    with pytest.raises(UserError, match=message):
        compiled(schema_grammar(schema))
