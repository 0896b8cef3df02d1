"""JSON Schema as a grammar: every text that the grammar accepts is JSON that is valid against the schema.

Objects have their properties in the order of the schema and no others; arrays with `prefixItems` have no other items,
unless `items` is given. A space is optional after a colon or comma and before the whole text. Numbers with bounds are
decimals of at most 15 digits, and a `format` is always enforced. Unsupported keywords are refused by name, so that no
constraint is silently ignored.
"""

import json
import math
from collections.abc import Mapping
from functools import reduce
from typing import Any

from lingon.core.errors import UserError, unknown
from lingon.decoding import schema_numbers
from lingon.decoding.grammar_budget import LETTERS, too_large
from lingon.decoding.json_text import SPACE, anything, written
from lingon.decoding.regex import Alternation, Concatenation, Pattern, literal, parse
from lingon.decoding.schema_merge import NOTES, both
from lingon.decoding.schema_types import ANY_DEPTH, NONE, array_grammar, object_grammar, string_grammar

KNOWN = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "prefixItems", "additionalItems", "minItems", "maxItems"},
    "string": {"minLength", "maxLength", "pattern", "format"},
    "integer": schema_numbers.WORDS,
    "number": schema_numbers.WORDS,
    "boolean": set(),
    "null": set(),
}
EXCLUSIVE = ("$ref", "const", "enum", "anyOf", "oneOf")  # each defines a schema alone, but for a type beside values
CHOICES = ("anyOf", "oneOf")
DEPTH = 16  # maximum nesting of schemas; an automaton cannot count brackets without limit
MOST_SCHEMAS = 2_000  # maximum schemas, referenced ones counted at each reference
MAX_SCHEMA_LENGTH = 1_000_000  # maximum characters of a schema, including annotations


def schema_grammar(schema: Any) -> Pattern:
    """Return the grammar of a JSON schema, given as an object or as its text.

    Raises UserError that names the location and the keyword for an invalid or unsupported schema.
    """
    text = schema if isinstance(schema, str) else schema_text(schema)
    if len(text) > MAX_SCHEMA_LENGTH:
        raise UserError(f"the schema has {len(text):,} characters, expected {MAX_SCHEMA_LENGTH:,} at most")
    try:
        schema = json.loads(text, parse_constant=_refused, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise UserError(f"the schema is not JSON ({_reason(error)})") from None
    return Concatenation((SPACE, _Reader(schema).parse()))


def schema_text(schema: Any) -> str:
    """Return a schema as JSON text. Raises UserError if it is not serializable."""
    try:
        return json.dumps(schema)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        given = "give an object of texts, numbers and lists"
        raise UserError(f"the schema is not JSON ({_reason(error)}); {given}") from None


def _reason(error: Exception) -> str:
    if "int_max_str_digits" in str(error) or "integer string conversion" in str(error):
        return "a whole number of more than 4,300 digits"
    return "nested too deep" if isinstance(error, RecursionError) else str(error)


def _refused(word: str) -> None:
    raise ValueError(f"{word} is not a JSON number")


def _finite(digits: str) -> float:
    if not math.isfinite(value := float(digits)):
        raise ValueError(f"{digits[:40]} is larger than any float")
    return value


class _Reader:
    def __init__(self, root: Any):
        self.root, self.count, self.letters = root, 0, 0

    def parse(self) -> Pattern:
        if self.root is False:
            raise UserError("schema is false, expected an object; it allows no text at all")
        return self.node(self.root, "schema", 0)

    def node(self, schema: Any, where: str, depth: int) -> Pattern:
        schema = self.merged(schema, where, depth)
        if schema is False:
            return NONE
        if schema is True or schema == {}:
            return anything(ANY_DEPTH)
        for word in CHOICES:
            if word in schema:
                return self.choice(schema, word, where, depth)
        kinds = self.kinds(schema, where)
        self.check(schema, kinds, where)
        if "$ref" in schema:
            return self.node(self.named(schema["$ref"], where), where, depth + 1)
        if "const" in schema or "enum" in schema:
            return self.values(schema, where)
        if kinds is None:
            return anything(ANY_DEPTH)
        return Alternation(tuple(self.of_type(kind, schema, where, depth) for kind in kinds))

    def merged(self, schema: Any, where: str, depth: int) -> Any:
        """Return the schema with the parts of its `allOf`, and a `$ref` beside other keywords, merged into it."""
        self.count += 1
        if depth > DEPTH or self.count > MOST_SCHEMAS:
            many = f"{DEPTH} deep" if depth > DEPTH else f"{MOST_SCHEMAS:,} times"
            raise UserError(f"{where}: schemas nested over {many}, or without end, have no automaton; say how deep")
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, Mapping):
            raise UserError(f"{where} is {json.dumps(schema)[:40]}, expected an object")
        beside = set(schema) - NOTES - {"$ref"}
        if "allOf" not in schema and not ("$ref" in schema and beside):
            return schema
        parts = [*self.list_of(schema, "allOf", where)] if "allOf" in schema else []
        parts += [self.named(schema["$ref"], where)] if "$ref" in schema else []
        rest = {word: value for word, value in schema.items() if word not in ("allOf", "$ref")}
        read = [self.merged(self.referred(part, where, depth + 1), f"{where}.allOf", depth + 1) for part in parts]
        own = [rest] if set(rest) - NOTES else []
        begins = next(word for word in schema if word in ("properties", "allOf", "$ref")) == "properties"
        return reduce(lambda one, other: both(one, other, where), own + read if begins else read + own, True)

    def referred(self, schema: Any, where: str, depth: int) -> Any:
        """Return the schema that a schema refers to, if it consists only of a `$ref`; else the schema itself."""
        for _ in range(DEPTH):
            if not (isinstance(schema, Mapping) and "$ref" in schema and not set(schema) - NOTES - {"$ref"}):
                return schema
            schema = self.named(schema["$ref"], where)
        raise UserError(f"{where}: $ref is circular")

    def choice(self, schema: Mapping, word: str, where: str, depth: int) -> Pattern:
        """Return the grammar of the parts of anyOf or oneOf, each merged with the keywords beside it."""
        rest = {other: value for other, value in schema.items() if other != word and other not in NOTES}
        parts = [self.referred(part, where, depth) for part in self.list_of(schema, word, where)]
        parts = [self.merged(part, f"{where}.{word}", depth + 1) for part in parts]
        parts = [both(rest, part, f"{where}.{word}") for part in parts] if rest else parts
        if word == "oneOf":
            self.check_apart(parts, where)
        return Alternation(tuple(self.node(part, f"{where}.{word}", depth + 1) for part in parts))

    def kinds(self, schema: Mapping, where: str) -> list[str] | None:
        """Return the types that a schema names, or None."""
        kinds = schema.get("type", "object" if "properties" in schema else None)
        if kinds is None:
            return None
        kinds = kinds if isinstance(kinds, list) else [kinds]
        for kind in kinds:
            if not isinstance(kind, str) or kind not in KNOWN:
                raise UserError(f"{where}: {unknown('type', str(kind), KNOWN)}")
        return kinds

    def check(self, schema: Mapping, kinds: list[str] | None, where: str) -> None:
        """Raise UserError for keywords that would be ignored."""
        exclusive = [word for word in EXCLUSIVE if word in schema]
        known = {"type", *NOTES, *EXCLUSIVE}.union(*(KNOWN[kind] for kind in (KNOWN if kinds is None else kinds)))
        for word in schema:
            if word not in known:
                raise UserError(f"{where}: {unknown('keyword', word, known)}; it is not supported here")
            beside = {*NOTES, "type"} if exclusive and exclusive[0] in ("const", "enum") else NOTES
            if exclusive and word != exclusive[0] and word not in beside:
                raise UserError(f"{where}: {exclusive[0]!r} together with {word!r} is not supported")
        if kinds is None and not exclusive and (lost := sorted(set(schema) - NOTES)):
            raise UserError(f"{where}: keyword {lost[0]!r} without a 'type' is not supported; name the type")

    def values(self, schema: Mapping, where: str) -> Pattern:
        """Return the grammar of the values that a schema lists, limited to its type if it has one."""
        listed = [schema["const"]] if "const" in schema else self.list_of(schema, "enum", where)
        kinds = self.kinds(schema, where)
        fitting = [value for value in listed if kinds is None or _kind(value) in _broad(kinds)]
        if kinds and "number" not in kinds:
            fitting = [value for value in fitting if not isinstance(value, float) or value.is_integer()]
        if not fitting:
            raise UserError(f"{where}: none of the values is of type {' or '.join(kinds or [])}")
        return Alternation(tuple(map(self.written, fitting)))

    def written(self, value: Any) -> Pattern:
        """Return the grammar of a value as JSON; its characters count towards the limit of the schema."""
        found = written(value)
        self.letters += len(found.parts)
        if self.letters > LETTERS:
            raise too_large(f"names and values of more than {LETTERS:,} letters")
        return found

    def check_apart(self, parts: list, where: str) -> None:
        """Raise UserError for a oneOf whose parts may accept the same text."""
        seen: set[str] = set()
        for part in parts:
            kinds = self.kinds(part, where) if isinstance(part, Mapping) else None
            if kinds is None or seen & _broad(kinds):
                raise UserError(f"{where}: the parts of 'oneOf' must be of different types here; else write 'anyOf'")
            seen |= _broad(kinds)

    def list_of(self, schema: Mapping, word: str, where: str) -> list:
        if not isinstance(schema[word], list) or not schema[word]:
            found = json.dumps(schema[word])[:40]
            raise UserError(f"{where}: key {word!r} is {found}, expected a non-empty list")
        return schema[word]

    def named(self, name: Any, where: str) -> Any:
        if name == "#":
            return self.root
        found = self.root
        for part in str(name).removeprefix("#/").split("/"):
            part = part.replace("~1", "/").replace("~0", "~")
            held = {str(i): item for i, item in enumerate(found)} if isinstance(found, list) else found
            if not str(name).startswith("#/") or not isinstance(held, Mapping) or part not in held:
                raise UserError(f"{where}: $ref {name!r} does not exist in this schema")
            found = held[part]
        return found

    def of_type(self, kind: str, schema: Mapping, where: str, depth: int) -> Pattern:
        inside = lambda part, name: self.node(part, f"{where}.{name}", depth + 1)
        if kind == "object":
            return object_grammar(schema, where, inside, self.written)
        if kind == "array":
            return array_grammar(schema, where, inside)
        if kind == "string":
            return string_grammar(schema, where)
        if kind in ("integer", "number"):
            return schema_numbers.integer(schema, where) if kind == "integer" else schema_numbers.number(schema, where)
        return {"boolean": parse("true|false"), "null": literal("null")}[kind]


def _broad(kinds: list[str]) -> set[str]:
    """Return the types, with integer as number."""
    return {"number" if kind == "integer" else kind for kind in kinds}


def _kind(value: Any) -> str:
    """Return the JSON type of a value; integers are numbers."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    names: dict[type, str] = {str: "string", list: "array", dict: "object"}
    return names.get(type(value), "number")
