"""JSON Schema as a grammar: every text it allows is JSON that the schema accepts.

Objects have their properties in the order of the schema and no others. There is one space after a colon or comma and
before the whole, or none. What a schema says and this file does not know is refused by name, so that nothing is
promised in vain.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from lingon.core.errors import UserError, unknown
from lingon.decoding.json_text import (
    COMMA,
    INTEGER,
    LETTER,
    NUMBER,
    SPACE,
    anything,
    array,
    escaped,
    integers,
    mapping,
    quoted,
    written,
)
from lingon.decoding.regex import NOTHING, Either, Graph, Node, Repeat, Sequence, literal, parse

NOTES = {"$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "examples"}
KNOWN = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "minItems", "maxItems"},
    "string": {"minLength", "maxLength", "pattern"},
    "integer": {"minimum", "maximum"},
    "number": set(),
    "boolean": set(),
    "null": set(),
}
WHOLE = ("$ref", "const", "enum", "anyOf", "oneOf")  # each says all there is to say, but for a type beside values
DEPTH = 16  # schemas inside schemas; an automaton cannot count brackets without end
MOST_SCHEMAS = 2_000  # with those that are referred to counted as often as they are
ANY_DEPTH = 2  # of what a schema leaves open: arrays and objects in an array


def schema_grammar(schema: Any) -> Node:
    """The grammar of a JSON schema, given as an object or as its text.

    Raises UserError that names the place and the word for what is no schema or is not supported.
    """
    try:
        schema = json.loads(schema if isinstance(schema, str) else json.dumps(schema), parse_constant=_refused)
    except (TypeError, ValueError, RecursionError) as error:
        raise UserError(f"the schema is not JSON ({error})") from None
    return Sequence((SPACE, _Reader(schema).node(schema, "schema", 0)))


def _refused(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON")


class _Reader:
    def __init__(self, root: Any):
        self.root, self.count = root, 0

    def node(self, schema: Any, where: str, depth: int) -> Node:
        self.count += 1
        if depth > DEPTH or self.count > MOST_SCHEMAS:
            many = f"{DEPTH} deep" if depth > DEPTH else f"{MOST_SCHEMAS:,} times"
            raise UserError(f"{where}: schemas nested over {many}, or without end, have no automaton; say how deep")
        if schema is True or schema == {}:
            return anything(ANY_DEPTH)
        if not isinstance(schema, Mapping):
            raise UserError(f"{where} is {json.dumps(schema)[:40]}, expected an object")
        kinds = self.kinds(schema, where)
        self.check(schema, kinds, where)
        if "$ref" in schema:
            return self.node(self.named(schema["$ref"], where), where, depth + 1)
        if "const" in schema or "enum" in schema:
            return self.values(schema, where)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                parts = self.list_of(schema, word, where)
                self.check_apart(parts if word == "oneOf" else [], where)
                return Either(tuple(self.node(part, f"{where}.{word}", depth + 1) for part in parts))
        if kinds is None:
            return anything(ANY_DEPTH)
        return Either(tuple(self.of_type(kind, schema, where, depth) for kind in kinds))

    def kinds(self, schema: Mapping, where: str) -> list[str] | None:
        """The types that a schema names, or None."""
        kinds = schema.get("type", "object" if "properties" in schema else None)
        if kinds is None:
            return None
        kinds = kinds if isinstance(kinds, list) else [kinds]
        for kind in kinds:
            if not isinstance(kind, str) or kind not in KNOWN:
                raise UserError(f"{where}: {unknown('type', str(kind), KNOWN)}")
        return kinds

    def check(self, schema: Mapping, kinds: list[str] | None, where: str) -> None:
        """Refuses keywords that nothing here would keep to."""
        whole = [word for word in WHOLE if word in schema]
        known = {"type", *NOTES, *WHOLE}.union(*(KNOWN[kind] for kind in (KNOWN if kinds is None else kinds)))
        for word in schema:
            if word not in known:
                raise UserError(f"{where}: {unknown('keyword', word, known)}; it is not supported here")
            beside = {*NOTES, "type"} if whole and whole[0] in ("const", "enum") else NOTES
            if whole and word != whole[0] and word not in beside:
                raise UserError(f"{where}: {whole[0]!r} together with {word!r} is not supported")
        if kinds is None and not whole and (lost := sorted(set(schema) - NOTES)):
            raise UserError(f"{where}: keyword {lost[0]!r} without a 'type' is not supported; name the type")

    def values(self, schema: Mapping, where: str) -> Node:
        """The values that a schema lists, those of its type if it names one."""
        listed = [schema["const"]] if "const" in schema else self.list_of(schema, "enum", where)
        kinds = self.kinds(schema, where)
        fitting = [value for value in listed if kinds is None or _kind(value) in _broad(kinds)]
        if kinds and "number" not in kinds:
            fitting = [value for value in fitting if not isinstance(value, float) or value.is_integer()]
        if not fitting:
            raise UserError(f"{where}: none of the values is of type {' or '.join(kinds or [])}")
        return Either(tuple(map(written, fitting)))

    def check_apart(self, parts: list, where: str) -> None:
        """Refuses oneOf where a text might be of two parts, which would be wrong."""
        seen: set[str] = set()
        for part in parts:
            kinds = self.kinds(part, where) if isinstance(part, Mapping) else None
            if kinds is None or seen & _broad(kinds):
                raise UserError(f"{where}: the parts of 'oneOf' must be of different types here; else write 'anyOf'")
            seen |= _broad(kinds)

    def list_of(self, schema: Mapping, word: str, where: str) -> list:
        if not isinstance(schema[word], list) or not schema[word]:
            found = json.dumps(schema[word])[:40]
            raise UserError(f"{where}: key {word!r} is {found}, expected a list that is not empty")
        return schema[word]

    def named(self, name: Any, where: str) -> Any:
        if name == "#":
            return self.root
        found = self.root
        for part in str(name).removeprefix("#/").split("/"):
            part = part.replace("~1", "/").replace("~0", "~")
            if not str(name).startswith("#/") or not isinstance(found, Mapping) or part not in found:
                raise UserError(f"{where}: $ref {name!r} leads nowhere in this schema")
            found = found[part]
        return found

    def of_type(self, kind: str, schema: Mapping, where: str, depth: int) -> Node:
        if kind == "object":
            return self.object(schema, where, depth)
        if kind == "array":
            item = self.node(schema.get("items", {}), f"{where}.items", depth + 1)
            return array(item, *self.bounds(schema, "minItems", "maxItems", where))
        if kind == "string":
            return self.string(schema, where)
        if kind == "integer":
            return self.integer(schema, where)
        return {"number": parse(NUMBER), "boolean": parse("true|false"), "null": literal("null")}[kind]

    def bounds(self, schema: Mapping, low: str, high: str, where: str) -> tuple[int, int | None]:
        least, most = schema.get(low, 0), schema.get(high)
        for word, value in ((low, least), (high, most)):
            if value is not None and (type(value) is not int or not 0 <= value <= 1000):
                raise UserError(f"{where}: key {word!r} is {json.dumps(value)[:40]}, expected a number from 0 to 1000")
        if most is not None and least > most:
            raise UserError(f"{where}: {low} is {least} and {high} is {most}, which nothing can be")
        return least, most

    def string(self, schema: Mapping, where: str) -> Node:
        if "pattern" not in schema:
            return quoted(Repeat(LETTER, *self.bounds(schema, "minLength", "maxLength", where)))
        if "minLength" in schema or "maxLength" in schema:
            raise UserError(f"{where}: 'pattern' together with a length is not supported; count in the pattern")
        pattern = schema["pattern"]
        if not isinstance(pattern, str) or not re.fullmatch(r"\^(.*[^\\])?(\\\\)*\$", pattern, re.DOTALL):
            raise UserError(f"{where}: the pattern must begin with ^ and end with $, so that it says the whole text")
        return quoted(escaped(parse(f"(?:{pattern[1:-1]})")))

    def integer(self, schema: Mapping, where: str) -> Node:
        low, high = schema.get("minimum"), schema.get("maximum")
        for word, value in (("minimum", low), ("maximum", high)):
            if value is not None and type(value) is not int:
                raise UserError(f"{where}: key {word!r} is {json.dumps(value)[:40]}, expected a whole number")
        if low is None and high is None:
            return parse(INTEGER)
        furthest = 10**18 - 1
        low, high = -furthest if low is None else low, furthest if high is None else high
        if low > high:
            raise UserError(f"{where}: minimum is {low} and maximum is {high}, which nothing can be")
        return integers(low, high)

    def object(self, schema: Mapping, where: str, depth: int) -> Node:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        others = schema.get("additionalProperties", True)
        if not isinstance(properties, Mapping):
            raise UserError(f"{where}: key 'properties' is no object")
        if not isinstance(required, list):
            raise UserError(f"{where}: key 'required' is {json.dumps(required)[:40]}, expected a list of names")
        for name in required:
            if not isinstance(name, str) or name not in properties:
                raise UserError(f"{where}: {name!r} is required and not among the properties")
        if not properties and others is not False:
            return mapping(anything(ANY_DEPTH - 1) if others is True else self.node(others, f"{where}.*", depth + 1))
        members = []
        for name, value in properties.items():
            member = (written(name), literal(":"), SPACE, self.node(value, f"{where}.{name}", depth + 1))
            members.append((Sequence(member), name in required))
        return _members(members)


def _members(members: list[tuple[Node, bool]]) -> Node:
    """An object of these members in their order, those that are not required or not there, with commas between.

    Places: 2i + 1 before member i when none has come, 2i + 2 when one has; so each member is in the grammar once.
    """
    edges: list[tuple[int, int, Node]] = [(0, 1, literal("{"))]
    count, last = len(members), 3 * len(members) + 3
    for i, (member, needed) in enumerate(members):
        here = 2 * count + 3 + i  # where member i begins
        edges += [(2 * i + 1, here, NOTHING), (2 * i + 2, here, COMMA), (here, 2 * i + 4, member)]
        edges += [] if needed else [(2 * i + 1, 2 * i + 3, NOTHING), (2 * i + 2, 2 * i + 4, NOTHING)]
    edges += [(2 * count + 1, last, literal("}")), (2 * count + 2, last, literal("}"))]
    return Graph(last + 1, tuple(edges))


def _broad(kinds: list[str]) -> set[str]:
    """The types, whole numbers taken for numbers."""
    return {"number" if kind == "integer" else kind for kind in kinds}


def _kind(value: Any) -> str:
    """The JSON type of a value, whole numbers among the numbers."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    names = {str: "string", list: "array", dict: "object"}
    return names.get(type(value), "number")
